"""The app."""

from django.apps import AppConfig


class Config(AppConfig):
    """api_v1 as a Django app."""

    name = "api_v1"
