"""``manage.py db``."""

from orchestration.management.cli.django_command import management_command

Command = management_command("db")
