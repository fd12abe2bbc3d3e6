"""The tree's entries as Django management commands, for ``call_command`` and ``manage.py help``."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestration.management.cli.main import run
from orchestration.management.cli.parser import fill
from orchestration.management.cli.tree import Command as TreeCommand
from orchestration.management.cli.tree import Delegated, Group, tree


class TreeBaseCommand(BaseCommand):
    """One entry of the tree; ``entry_name`` says which."""

    entry_name: str
    requires_system_checks: list[str] = []
    output_transaction = False

    def add_arguments(self, parser: CommandParser) -> None:
        entry = tree()[self.entry_name]
        match entry:
            case Group():
                choices = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
                for command in entry.commands:
                    # A plain parser: Django's own options would take the names of the commands'.
                    fill(choices.add_parser(command.name, help=command.help), command)
            case TreeCommand():
                fill(parser, entry)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = CommandParser(
            prog=f"{prog_name} {subcommand}".strip(),
            description=tree()[self.entry_name].help,
            missing_args_message=getattr(self, "missing_args_message", None),
            called_from_command_line=getattr(self, "_called_from_command_line", None),
            **kwargs,
        )
        parser.set_defaults(
            force_color=False, no_color=False, skip_checks=True, traceback=False, settings=None, pythonpath=None
        )
        self.add_arguments(parser)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        entry = tree()[self.entry_name]
        assert not isinstance(entry, Delegated)
        command = entry.find(options["subcommand"]) if isinstance(entry, Group) else entry
        # The streams below Django's wrappers, which would end every write with a line.
        out: Any = getattr(self.stdout, "_out", self.stdout)
        err: Any = getattr(self.stderr, "_out", self.stderr)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(command, argparse.Namespace(**options), is_booted=True)
        if status:
            raise SystemExit(status)


def management_command(name: str) -> type[TreeBaseCommand]:
    """The Django command of an entry of the tree."""
    return type("Command", (TreeBaseCommand,), {"entry_name": name, "help": tree()[name].help})
