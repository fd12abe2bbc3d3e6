"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from airflowsite import sessions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")

application = get_wsgi_application()
sessions.guard()
