"""Variables: texts kept outside DAG files. Mirrors ``airflow.models.variable``.

The environment (``AIRFLOW_VAR_{KEY}``) is asked first, then the store.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from orchestration.authoring import store
from orchestration.authoring.columns import columns
from orchestration.authoring.secrets import mask_secret
from orchestration.authoring.types import NOTSET

log = logging.getLogger("airflow.models.variable")


@columns("id key val description is_encrypted")
class Variable:
    """A variable; ``Variable.get(key)`` and its kin are what DAG files use."""

    def __init__(self, key: str | None = None, val: str | None = None, description: str | None = None) -> None:
        self.key = key
        self.val = val
        self.description = description

    def __repr__(self) -> str:
        return f"{self.key} : ***"

    def get_val(self) -> str | None:
        """The text."""
        return self.val

    @classmethod
    def get(cls, key: str, default_var: Any = NOTSET, deserialize_json: bool = False, **renamed: Any) -> Any:
        """The text, or what its JSON means; the default where there is none, KeyError without a default.

        ``default`` is Airflow 3's name of ``default_var``. A value under a name that looks secret is hidden in logs.
        """
        default = renamed.pop("default", default_var)
        if renamed:
            raise TypeError(f"Variable.get() takes no {', '.join(renamed)}")
        text = cls.get_variable_from_secrets(key)
        if text is None:
            if default is NOTSET:
                raise KeyError(_unknown(key))
            return default
        value = json.loads(text) if deserialize_json else text
        mask_secret(value, key)
        return value

    @classmethod
    def setdefault(cls, key: str, default: Any, description: str | None = None, deserialize_json: bool = False) -> Any:
        """The value; where there is none the default is stored first. ValueError for a default of None."""
        value = cls.get(key, default_var=None, deserialize_json=deserialize_json)
        if value is not None:
            return value
        if default is None:
            raise ValueError(f"There is no variable {key!r}, and None cannot be stored for it: give another default")
        cls.set(key, default, description=description, serialize_json=deserialize_json)
        return default

    @staticmethod
    def set(
        key: str, value: Any, description: str | None = None, serialize_json: bool = False, session: Any = None
    ) -> None:
        """Store the value: as JSON, or as ``str`` gives it."""
        if store.variable_from_environment(key) is not None:
            log.warning(
                "AIRFLOW_VAR_%s is set and read first: unset it, or what is stored now is never read", key.upper()
            )
        text = json.dumps(value, indent=2) if serialize_json else str(value)
        mask_secret(text, key)
        store.current().set_variable(key, text, description)

    @classmethod
    def update(cls, key: str, value: Any, serialize_json: bool = False, session: Any = None) -> None:
        """Store a new value of a known variable; KeyError without one."""
        if cls.get_variable_from_secrets(key) is None:
            raise KeyError(_unknown(key))
        cls.set(key, value, serialize_json=serialize_json)

    @staticmethod
    def delete(key: str, session: Any = None) -> int:
        """Delete the variable; how many went."""
        return store.current().delete_variable(key)

    @staticmethod
    def get_variable_from_secrets(key: str) -> str | None:
        """The text, None if there is none."""
        found = store.variable_from_environment(key)
        return store.current().get_variable(key) if found is None else found


def _unknown(key: str) -> str:
    return f"There is no variable {key!r}: add it, or set AIRFLOW_VAR_{key.upper()}"
