"""The app."""

from django.apps import AppConfig


class Config(AppConfig):
    """api_experimental as a Django app."""

    name = "api_experimental"
