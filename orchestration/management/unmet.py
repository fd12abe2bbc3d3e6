"""Why a task instance does not start."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from orchestration.models import TaskInstance


def reasons(instance: TaskInstance) -> list[tuple[str, str]]:
    """(dependency, sentence) for each that is not met, sorted; ``instance.run`` is read."""
    found: list[dict[str, Any]] = import_module("api_v1.dependencies").unmet(instance)
    return [(each["name"], each["reason"]) for each in found]
