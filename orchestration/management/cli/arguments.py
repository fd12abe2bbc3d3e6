"""Options and positionals as values, those that several commands share, and how their text is read."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: The forms a list can be printed in.
OUTPUTS = ("table", "json", "yaml", "plain")


@dataclass(frozen=True, slots=True)
class Argument:
    """One option or positional: its flags (or the positional's name) and what argparse is told of it.

    ``is_extra`` marks what the reference does not have.
    """

    flags: tuple[str, ...]
    help: str | None
    settings: dict[str, Any] = field(default_factory=dict)
    is_extra: bool = False

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the argument to a parser."""
        parser.add_argument(*self.flags, help=argparse.SUPPRESS if self.help is None else self.help, **self.settings)

    @property
    def is_positional(self) -> bool:
        """Whether it is named by its place."""
        return not self.flags[0].startswith("-")


def option(*flags: str, help: str | None, is_extra: bool = False, **settings: Any) -> Argument:
    """An option with a value; ``help=None`` hides it."""
    return Argument(flags, help, settings, is_extra)


def switch(*flags: str, help: str | None, is_extra: bool = False, **settings: Any) -> Argument:
    """An option without a value: false unless given."""
    return Argument(flags, help, {"action": "store_true", **settings}, is_extra)


def positional(name: str, help: str, **settings: Any) -> Argument:
    """A value that is named by its place."""
    return Argument((name,), help, settings)


def moment(text: str) -> datetime:
    """A date or moment; without an offset in ``core.default_timezone``."""
    from orchestration.authoring.timezone import parse  # loads pendulum

    try:
        parsed: object = parse(text)
    except (ValueError, TypeError, OverflowError, RecursionError):
        parsed = None
    if not isinstance(parsed, datetime):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no moment. Write it as 2024-03-05 or 2024-03-05T10:00:00+00:00"
        )
    return parsed


def positive(*, zero: bool) -> Callable[[str], int]:
    """A reader of whole numbers above zero, or from zero on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"invalid int value: {text!r}") from None
        if number < 0 or (number == 0 and not zero):
            raise argparse.ArgumentTypeError(f"must be greater than {'or equal to ' if zero else ''}zero, not {number}")
        return number

    return read


def names(text: str) -> list[str]:
    """A list whose parts are separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def some_names(text: str) -> list[str]:
    """A list that is not empty: an empty one, as from a variable that a script forgot to set, would stand for all."""
    found = names(text)
    if not found:
        raise argparse.ArgumentTypeError("it holds no name. Leave the option out for all")
    return found


def json_value(text: str) -> Any:
    """A JSON value."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"this is not JSON: {error}") from None


def folder(text: str) -> str:
    """The path of a folder that exists."""
    if not os.path.isdir(text):  # noqa: PTH112 Path.is_dir raises for names that are too long
        raise argparse.ArgumentTypeError(f"there is no folder {text[:200]!r}. Make it first")
    return text


VERBOSE = switch("-v", "--verbose", help="Write more to the log")
OUTPUT = option(
    "-o",
    "--output",
    help="Form of the answer: table, json, yaml or plain (default: table)",
    choices=OUTPUTS,
    default="table",
    metavar="(table, json, yaml, plain)",
)
YES = switch("-y", "--yes", help="Do not ask for confirmation")
COLOR = option(
    "--color", help="Colour the output: on, off, or auto for a terminal (default: auto)", choices=("off", "on", "auto"),
    default="auto",
)  # fmt: skip
SUBDIR = option("-S", "--subdir", help="File or folder to read DAG files from (default: the DAGs folder)")
DAG_ID = positional("dag_id", "The id of the DAG")
DAG_IDS = positional("dag_id", "The id of the DAG; - reads ids from standard input, one a line")
TASK_ID = positional("task_id", "The id of the task")
RUN = positional("execution_date_or_run_id", "The run's id or its logical date")
MAP_INDEX = option("--map-index", help="Index of a mapped task's instance", type=int, default=-1)
CONF = option("-c", "--conf", help="JSON object that becomes the run's conf")
START_DATE = option("-s", "--start-date", help="First logical date", type=moment)
END_DATE = option("-e", "--end-date", help="Last logical date", type=moment)
TASK_REGEX = option("-t", "--task-regex", help="Only the tasks whose id this regular expression finds")
TREAT_AS_REGEX = switch("--treat-dag-id-as-regex", help="Take dag_id as a regular expression")
DRY_RUN = switch("--dry-run", help="Say what would be done and do nothing", is_extra=True)


def with_verbose(arguments: Sequence[Argument]) -> tuple[Argument, ...]:
    """These arguments and ``--verbose``, which nearly every command takes."""
    return (*arguments, VERBOSE)
