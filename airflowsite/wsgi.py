"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")

application = get_wsgi_application()

from airflowsite import sessions  # noqa: E402  # it uses models, which are there from here on

sessions.guard()
