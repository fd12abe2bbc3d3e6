"""Command lines made from the declarations: with values that could be right, and with nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestration.management.cli import arguments as a
from orchestration.management.cli.arguments import Argument
from orchestration.management.cli.tree import Command, commands

#: Commands that wait for a person or for ever.
ENDLESS = frozenset({"db shell", "kerberos"})
PATHS: dict[str, tuple[tuple[str, ...], Command]] = {
    " ".join(path): (path, command) for path, command in commands() if " ".join(path) not in ENDLESS
}


def _value(argument: Argument) -> str:
    """A value that the argument's reader takes."""
    settings = argument.settings
    if settings.get("choices"):
        return str(next(iter(settings["choices"])))
    kind: Any = settings.get("type")
    if kind is a.moment:
        return "2024-01-01"
    if kind is a.json_value:
        return "{}"
    if kind is a.folder:
        return "."
    if kind is float or kind is int or getattr(kind, "__qualname__", "").startswith("positive."):
        return "3"
    return "nope"


def plain(path: tuple[str, ...], command: Command) -> list[str]:
    """The shortest command line of a command that its parser takes."""
    words = list(path)
    for argument in command.arguments:
        if argument.is_positional and argument.settings.get("nargs") != "?":
            words.append(_value(argument))
        elif argument.settings.get("required"):
            words += [argument.flags[-1], _value(argument)]
    return words


def with_nonsense(path: tuple[str, ...], command: Command, nonsense: str) -> Iterator[list[str]]:
    """The command with one value after the other replaced by nonsense, and with all positionals replaced."""
    positionals = [each for each in command.arguments if each.is_positional]
    required = [word for each in command.arguments if each.settings.get("required") for word in _option(each)]
    if positionals:
        yield [*path, *required, "--", *[nonsense for _ in positionals]]
    base = plain(path, command)
    for argument in command.arguments:
        takes_value = not argument.is_positional and "action" not in argument.settings
        if takes_value:
            yield [*base, f"{argument.flags[-1]}={nonsense}"]


def _option(argument: Argument) -> list[str]:
    return [argument.flags[-1], _value(argument)]
