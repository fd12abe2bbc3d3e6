"""``manage.py rotate-fernet-key``."""

from orchestration.management.cli.django_command import management_command

Command = management_command("rotate-fernet-key")
