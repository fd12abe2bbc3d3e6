"""``manage.py cheat-sheet``."""

from orchestration.management.cli.django_command import management_command

Command = management_command("cheat-sheet")
