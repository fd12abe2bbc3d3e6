"""``manage.py jobs``."""

from orchestration.management.cli.django_command import management_command

Command = management_command("jobs")
