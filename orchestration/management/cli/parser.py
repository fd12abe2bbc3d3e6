"""argparse parsers of the commands, made only as deep as the command line at hand asks for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from orchestration.management.cli.tree import Command, Delegated, Entry, Group, find, tree

#: The name of the program in help and errors.
PROGRAM = "airflowsite"


class Parser(argparse.ArgumentParser):
    """Prints the help before a usage error, and leaves with 2, as the reference does."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._optionals.title = "Options"
        self._positionals.title = "Positional Arguments"

    def error(self, message: str) -> NoReturn:
        self.print_help()
        self.exit(2, f"\n{self.prog}: {message}. The help above says what it takes.\n")


def parse(arguments: Sequence[str]) -> tuple[Entry, Command | None, argparse.Namespace]:
    """What a command line names: the entry, the command of a group or the entry itself, and its arguments.

    The second is None for a delegated entry, whose arguments are left to it. Leaves with 2 on a usage error and with 0
    after ``--help``, as argparse does.
    """
    entry = find(arguments[0]) if arguments else None
    if entry is None:
        _first_level().parse_args(list(arguments))
        raise AssertionError("the first level accepts no other words than the tree's")
    match entry:
        case Delegated():
            return entry, None, argparse.Namespace()
        case Group():
            command = _command_of(entry, arguments[1:2])
            if command is None:
                group_parser(entry).parse_args(list(arguments[1:]))
                raise AssertionError("a group's parser accepts no other words than its commands")
            return entry, command, command_parser(command, entry).parse_args(list(arguments[2:]))
        case Command():
            return entry, entry, command_parser(entry).parse_args(list(arguments[1:]))


def _command_of(group: Group, words: Sequence[str]) -> Command | None:
    return next((command for command in group.commands if [command.name] == list(words)), None)


def command_parser(command: Command, group: Group | None = None, *, prog: str = PROGRAM) -> Parser:
    """The parser of one command's arguments."""
    path = f"{prog} {group.name} {command.name}" if group else f"{prog} {command.name}"
    parser = Parser(prog=path, description=command.description or command.help)
    fill(parser, command)
    return parser


def fill(parser: argparse.ArgumentParser, command: Command) -> None:
    """Declare a command's arguments to a parser."""
    for argument in command.arguments:
        argument.add_to(parser)


def group_parser(group: Group, *, prog: str = PROGRAM) -> Parser:
    """The parser of a whole group, a sub-parser for each command."""
    parser = Parser(prog=f"{prog} {group.name}", description=group.help)
    choices = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
    for command in sorted(group.commands, key=lambda command: command.name):
        fill(_sub_parser(choices, command, command.description or command.help), command)
    return parser


def _sub_parser(choices: Any, entry: Entry, description: str) -> argparse.ArgumentParser:
    shown = {} if isinstance(entry, Command) and entry.is_hidden else {"help": entry.help}
    parser: argparse.ArgumentParser = choices.add_parser(entry.name, description=description, **shown)
    return parser


def _first_level() -> Parser:
    parser = Parser(prog=PROGRAM, epilog=_listing(tree().values()))
    choices = parser.add_subparsers(dest="entry", metavar="GROUP_OR_COMMAND", required=True)
    for entry in tree().values():
        choices.add_parser(entry.name)
    return parser


def _listing(entries: Iterable[Entry]) -> str:
    listed = [entry for entry in entries if not (isinstance(entry, Command) and entry.is_hidden)]
    width = max(len(entry.name) for entry in listed) + 2

    def block(title: str, chosen: Iterable[Entry]) -> list[str]:
        return [title, *(f"  {entry.name:<{width}}{entry.help}" for entry in chosen), ""]

    groups = block("Groups:", (entry for entry in listed if isinstance(entry, Group)))
    single = block("Commands:", (entry for entry in listed if not isinstance(entry, Group)))
    return "\n".join(
        [*groups, *single, f"{PROGRAM} GROUP_OR_COMMAND --help says more. Django's own commands work, too."]
    )
