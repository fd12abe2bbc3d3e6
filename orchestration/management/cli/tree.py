"""Every command and group of the command line, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from orchestration.management.cli.arguments import Argument


class Needs(Enum):
    """What has to be loaded before a command runs."""

    NOTHING = "nothing"  # options only
    TABLES = "tables"  # Django with the apps that hold this program's rows
    EVERYTHING = "everything"  # Django with all apps, as the web server has them


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, arguments, and where what it does is found.

    ``action`` is ``module:function`` below ``orchestration.management.actions``; the function takes the parsed
    namespace and returns the exit status (None is 0). ``is_extra``: the reference has no such command.
    """

    name: str
    help: str
    action: str
    arguments: tuple[Argument, ...] = ()
    needs: Needs = Needs.TABLES
    #: The name in the audit log, as the reference's; None: it changes nothing.
    event: str | None = None
    #: It can be done through a remote server, too.
    is_remote: bool = False
    description: str | None = None
    is_extra: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Delegated:
    """A long-running part that is a Django command of its own; it reads its arguments itself."""

    name: str
    help: str

    @property
    def django_name(self) -> str:
        """The name of the Django command."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Group:
    """Commands about one noun."""

    name: str
    help: str
    commands: tuple[Command, ...]
    is_extra: bool = False

    def find(self, name: str) -> Command:
        """The command of that name; KeyError when there is none."""
        return {command.name: command for command in self.commands}[name]


Entry = Group | Command | Delegated


@cache
def tree() -> Mapping[str, Entry]:
    """All entries of the first level by name, sorted."""
    from orchestration.management.cli import groups  # they are made of the classes above

    return {entry.name: entry for entry in sorted(groups.ENTRIES, key=lambda entry: entry.name)}


def find(word: str) -> Entry | None:
    """The entry of the first level that a word names; ``_`` is taken for ``-``."""
    return tree().get(word) or tree().get(word.replace("_", "-"))


def commands() -> Iterator[tuple[tuple[str, ...], Command]]:
    """Each command with its path: ``("dags", "list")``, ``("info",)``."""
    for entry in tree().values():
        match entry:
            case Group():
                yield from (((entry.name, command.name), command) for command in entry.commands)
            case Command():
                yield (entry.name,), entry
