"""``manage.py generate_docs``: write the documents again that are made from the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orchestration.management.cli.reference import markdown

_DOCS = Path(__file__).resolve().parents[3] / "docs"


class Command(BaseCommand):
    """Write ``docs/cli.md``."""

    help = "Write docs/cli.md from the commands' declarations."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        page = _DOCS / "cli.md"
        try:
            page.write_text(markdown(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{page} cannot be written: {error.strerror}. Run this in a checkout.") from None
        self.stdout.write(f"Wrote {page}")
