"""The Celery application, where ``celery -A airflowsite.celery`` looks for it."""

from __future__ import annotations

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
if not apps.ready:
    django.setup()

from orchestration.execution.celery_app import app

__all__ = ["app"]
