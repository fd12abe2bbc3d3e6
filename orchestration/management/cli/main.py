"""From a command line to an exit status.

What a usage error, ``--help`` or ``version`` needs is answered before Django is loaded; a command that only reads and
writes rows loads Django with the apps that hold them.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from orchestration import clients
from orchestration.errors import OrchestrationError
from orchestration.management.cli.tree import Command, Delegated, Needs, find

#: Exit status of a process that was interrupted from the keyboard.
INTERRUPTED = 130
#: Loggers whose errors are told in a line: the command's own sentence says what is wrong, or nothing is.
_WITHOUT_TRACE = ("orchestration.services.audit", "orchestration.authoring.connection.Connection")
#: The apps whose tables the commands read; the others cost half a second to load.
TABLE_APPS = (
    "orchestration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "knox",
    "axes",
)


def django_name(arguments: Sequence[str]) -> str | None:
    """The Django command that the words are for, None when they are for the tree of commands.

    Words that nobody knows are the tree's, whose parser says what there is.
    """
    if not arguments or arguments[0].startswith("-"):
        return None
    entry = find(arguments[0])
    if isinstance(entry, Delegated):
        return entry.django_name
    if entry is not None:
        return None
    if arguments[0] == "help":
        return "help"
    boot(Needs.EVERYTHING)
    from django.core.management import get_commands

    name = arguments[0].replace("-", "_")
    return name if name in get_commands() else None


def main(arguments: Sequence[str]) -> int:
    """Run the command that the words name; its exit status.

    Leaves by SystemExit after ``--help`` (0) and usage errors (2).
    """
    from orchestration.management.cli.parser import parse

    _, command, namespace = parse(arguments)
    assert command is not None, "delegated commands are Django's to run"
    return run(command, namespace)


def run(command: Command, namespace: argparse.Namespace, *, is_booted: bool = False) -> int:
    """Do what the command says; the exit status, errors said on standard error."""
    try:
        is_remote = command.is_remote and clients.is_remote()
        if not is_booted and not is_remote:
            boot(command.needs)
        if getattr(namespace, "verbose", False):
            logging.getLogger("orchestration").setLevel(logging.DEBUG)
        else:
            for name in _WITHOUT_TRACE:
                logging.getLogger(name).addFilter(_without_trace)
        with contextlib.nullcontext() if is_remote else _audited(command, namespace):
            status = action(command)(namespace) or 0
            if sys.stdout is not None:
                sys.stdout.flush()  # a reader that is gone is found out here, not when the interpreter ends
            return status
    except OrchestrationError as error:
        return _fail(str(error) or str(error.title))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if getattr(namespace, "verbose", False):
            traceback.print_exc()
        return _fail(database_trouble(error) or _trouble(error))


def action(command: Command) -> Callable[[argparse.Namespace], int | None]:
    """The function that does what the command says."""
    module, _, function = command.action.partition(":")
    found: Callable[[argparse.Namespace], int | None] = getattr(
        import_module(f"orchestration.management.actions.{module}"), function
    )
    return found


def boot(needs: Needs) -> None:
    """Load as much of Django as the command needs; nothing where it is loaded."""
    if needs is Needs.NOTHING:
        return
    import django
    from django.apps import apps
    from django.conf import settings

    if apps.ready:
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    if needs is Needs.TABLES:
        settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app in TABLE_APPS]
    django.setup()


def _audited(command: Command, namespace: argparse.Namespace) -> contextlib.AbstractContextManager[object]:
    if command.event is None or getattr(namespace, "dry_run", False):
        return contextlib.nullcontext()
    from orchestration.management.audit import asked  # reads the tables

    return asked(command.event, namespace)


def _without_trace(record: logging.LogRecord) -> bool:
    """Say in a line what goes on without the exception's trace."""
    record.exc_info = record.exc_text = None
    return True


def _fail(sentence: str) -> int:
    print(sentence.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)  # an argument can be no text
    return 1


def _trouble(error: Exception) -> str:
    """A sentence about what no part of the program expected; ``--verbose`` shows where it happened."""
    text = " ".join(str(error).split())
    if type(error).__name__ == "CommandError":  # Django's own, meant for the person who typed
        return text
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return f"{type(error).__name__}{f': {text}' if text else ''}. --verbose shows where."


def database_trouble(error: Exception) -> str | None:
    """A sentence about a database that cannot be used; None for what is no such error."""
    if "django.db" not in sys.modules:
        return None
    from django.db import OperationalError, ProgrammingError

    if not isinstance(error, OperationalError | ProgrammingError):
        return None
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "no such table" in text or "does not exist" in text or "no such column" in text:
        return f"The database lacks tables ({text}). Make them with: airflowsite db migrate"
    return f"The database cannot be reached or is busy: {text}. Check [database] sql_alchemy_conn."
