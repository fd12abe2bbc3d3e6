"""Whether this process goes on answering: long answers ask, and a web server that can be stopped says so."""

from __future__ import annotations

from collections.abc import Callable


def _always() -> bool:
    return True


_is_alive: Callable[[], bool] = _always


def is_served() -> bool:
    """False from the moment on at which the server asked this process to end."""
    return _is_alive()


def live_as(is_alive: Callable[[], bool]) -> None:
    """Let ``is_served`` ask this function from now on."""
    global _is_alive
    _is_alive = is_alive
