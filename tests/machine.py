"""Which services of the machine the tests can use.

``REQUIRE_SERVICES=1`` turns a missing service from a skip into a failure. As a program: ``python -m tests.machine
postgres URL`` exits with 0 when the server answers.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from urllib.parse import urlsplit

import pytest


def is_required() -> bool:
    """Whether a missing service must fail the run."""
    return bool(os.environ.get("REQUIRE_SERVICES"))


def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def need(name: str, *, host: str = "127.0.0.1", port: int) -> None:
    """Skip the test, or fail it where services are required, when nothing listens."""
    if listens(host, port):
        return
    if is_required():
        pytest.fail(f"{name} is required here and does not listen on {host}:{port}")
    pytest.skip(f"{name} does not listen on {host}:{port}")


def need_program(*names: str) -> str:
    """The path of the first of these programs that is there; skips or fails the test like ``need``."""
    for name in names:
        path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")
        if path:
            return path
    if is_required():
        pytest.fail(f"{names[0]} is required here and not installed")
    pytest.skip(f"{names[0]} is not installed")


def main(name: str, url: str) -> int:
    """Exit status of the program."""
    parts = urlsplit(url)
    return 0 if name == "postgres" and listens(parts.hostname or "127.0.0.1", parts.port or 5432) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
