"""``manage.py pools``."""

from orchestration.management.cli.django_command import management_command

Command = management_command("pools")
