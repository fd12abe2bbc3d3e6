"""A command's row in the audit log, as the reference leaves it: who at this machine typed what, without secrets."""

from __future__ import annotations

import argparse
import getpass
import socket
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager

from orchestration.models import User
from orchestration.services import audit

_HIDDEN = "********"
#: Options whose value may be secret.
_SECRET_OPTIONS = frozenset(
    {
        "-p",
        "--password",
        "--conn-password",
        "--conn-uri",
        "--conn-json",
        "--conn-extra",
        "--fernet-key",
        "--from",
        "-c",
        "--conf",
    }
)
#: How many words of a command line are kept, and how many characters of each.
_MOST_WORDS, _LONGEST_WORD = 50, 250


def asked(event: str, namespace: argparse.Namespace) -> AbstractContextManager[audit.Request]:
    """Whatever the command does inside leaves exactly one row."""
    return audit.request(
        event,
        actor=operator(),
        extra={"host_name": socket.gethostname(), "full_command": str(shown(sys.argv))},
        dag_id=_text(namespace, "dag_id"),
        task_id=_text(namespace, "task_id"),
        run_id=_text(namespace, "run_id"),
    )


def operator() -> User:
    """The person at this machine, as a user that is in no table: only the name is told."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a process without an entry in the password file
        name = "unknown"
    return User(username=name)


def shown(words: Sequence[str]) -> list[str]:
    """A command line without the values of secret options and of variables."""
    found: list[str] = []
    hides_next = False
    is_variable = list(words[1:3]) == ["variables", "set"]
    for place, word in enumerate(words[:_MOST_WORDS]):
        option, sign, _ = word.partition("=")
        if hides_next or (is_variable and place > 3 and not word.startswith("-")):
            found.append(_HIDDEN)
        elif sign and option in _SECRET_OPTIONS:
            found.append(f"{option}={_HIDDEN}")
        else:
            found.append(word[:_LONGEST_WORD])
        hides_next = word in _SECRET_OPTIONS
    return found


def _text(namespace: argparse.Namespace, name: str) -> str | None:
    value = getattr(namespace, name, None)
    return value if isinstance(value, str) and value != "-" else None
