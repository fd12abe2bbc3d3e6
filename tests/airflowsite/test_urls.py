"""Addresses beside the APIs and the desk."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_health_is_told_as_the_api_tells_it():
    told = Client().get("/health")
    assert told.status_code == 200
    assert told.json() == Client().get("/api/v1/health").json()
    assert set(told.json()) == {"metadatabase", "scheduler", "triggerer", "dag_processor"}


def test_the_front_door_leads_to_the_desk():
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
