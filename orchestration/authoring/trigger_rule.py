"""The rules by which a task waits for its upstream tasks. Mirrors ``airflow.utils.trigger_rule``."""

from __future__ import annotations

from enum import Enum


class NamedRule(str, Enum):  # noqa: UP042 format() and str() as the reference's
    """A rule that DAG files may name by its text."""

    @classmethod
    def is_valid(cls, rule: str) -> bool:
        """Whether the text names a rule."""
        return rule in cls._value2member_map_

    def __str__(self) -> str:
        return str(self.value)


class TriggerRule(NamedRule):
    """When a task may start, by the states of its upstream tasks."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_OR_SKIPPED = "none_failed_or_skipped"
    NONE_SKIPPED = "none_skipped"
    DUMMY = "dummy"
    ALWAYS = "always"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    ALL_SKIPPED = "all_skipped"

    @classmethod
    def all_triggers(cls) -> set[TriggerRule]:
        """Every rule."""
        return set(cls)


#: Names of earlier versions and what they mean now.
RENAMED = {
    "dummy": TriggerRule.ALWAYS,
    "none_failed_or_skipped": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
}
