"""Database sessions, which tasks do not have here. Mirrors ``airflow.utils.session``.

DAG files that import these names still parse; asking the database is refused with a sentence that says what to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from orchestration.authoring.exceptions import AirflowException

F = TypeVar("F", bound=Callable[..., Any])

NEW_SESSION: Any = None


class Session:
    """Stands where a function expects an SQLAlchemy session; every verb but closing is refused."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AirflowException(
            f"session.{name} is not there: tasks have no access to the tables. Use Variable, Connection, XCom, "
            "DagRun.find, TaskInstance methods, or the REST API."
        )


@contextmanager
def create_session(scoped: bool = True) -> Iterator[Session]:
    """A session for a ``with`` block."""
    yield Session()


def provide_session(func: F) -> F:
    """Gives the function a ``session`` where the caller gave none."""
    position = list(signature(func).parameters).index("session")

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "session" not in kwargs and len(args) <= position:
            kwargs["session"] = Session()
        return func(*args, **kwargs)

    return wrapper  # type: ignore[return-value]  # the same signature
