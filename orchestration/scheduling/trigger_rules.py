"""Whether a task may run, by the states of its upstream task instances: one pure function per trigger rule.

Mirrors ``airflow.ti_deps.deps.trigger_rule_dep`` of Airflow 2.10.5 with ``flag_upstream_failed``: what can only end one
way is settled at once, without waiting for the other upstream instances.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple


class Verdict(Enum):
    """What follows for the task instance."""

    RUN = auto()
    WAIT = auto()
    SKIP = auto()
    UPSTREAM_FAILED = auto()
    REMOVE = auto()

    @property
    def is_settled(self) -> bool:
        """Whether the instance ends without running."""
        return self not in (Verdict.RUN, Verdict.WAIT)


class Upstream(NamedTuple):
    """How many of a task instance's upstream instances are in each finished state.

    ``total`` counts the unfinished ones too. The ``setup`` counts are of the setup tasks among them. ``map_index`` is
    that of the instance decided upon, -1 where it has none.
    """

    total: int
    success: int = 0
    skipped: int = 0
    failed: int = 0
    upstream_failed: int = 0
    removed: int = 0
    setups: int = 0
    setups_success: int = 0
    setups_skipped: int = 0
    map_index: int = -1

    @property
    def done(self) -> int:
        """Those that are over, removed ones included."""
        return self.success + self.skipped + self.failed + self.upstream_failed + self.removed

    @property
    def is_done(self) -> bool:
        """Whether all are over."""
        return self.done >= self.total

    @property
    def has_failed(self) -> bool:
        """Whether one failed, itself or through its own upstream."""
        return bool(self.failed or self.upstream_failed)

    @property
    def forgiven(self) -> int:
        """Removed ones that a mapped instance need not wait for."""
        return self.removed if self.map_index > -1 else 0


def all_success(up: Upstream) -> Verdict:
    """Run when every upstream task succeeded; one that failed or was skipped settles it at once."""
    if up.has_failed:
        return Verdict.UPSTREAM_FAILED
    if up.skipped:
        return Verdict.SKIP
    if up.removed and up.success and up.map_index >= up.success:
        return Verdict.REMOVE
    return _run_if(up.total - up.success - up.forgiven <= 0)


def all_failed(up: Upstream) -> Verdict:
    """Run when every upstream task failed; one that succeeded or was skipped settles it at once."""
    if up.success or up.skipped:
        return Verdict.SKIP
    return _run_if(up.total - up.failed - up.upstream_failed - up.forgiven <= 0)


def all_done(up: Upstream) -> Verdict:
    """Run when every upstream task is over, however it ended."""
    return _run_if(up.is_done)


def all_done_setup_success(up: Upstream) -> Verdict:
    """Run when every upstream task is over and, where there are setups among them, one of those succeeded."""
    if not up.is_done:
        return Verdict.WAIT
    if up.setups and up.setups_skipped >= up.setups:
        return Verdict.SKIP
    if up.setups and not up.setups_success:
        return Verdict.UPSTREAM_FAILED
    return Verdict.RUN


def all_skipped(up: Upstream) -> Verdict:
    """Run when every upstream task was skipped; any other end settles it at once."""
    if up.success or up.has_failed:
        return Verdict.SKIP
    return _run_if(up.skipped >= up.total)


def one_success(up: Upstream) -> Verdict:
    """Run as soon as one upstream task succeeded; without any it fails, or is skipped when all were skipped."""
    if up.success:
        return Verdict.RUN
    if not up.is_done:
        return Verdict.WAIT
    return Verdict.SKIP if up.done == up.skipped else Verdict.UPSTREAM_FAILED


def one_failed(up: Upstream) -> Verdict:
    """Run as soon as one upstream task failed."""
    if up.has_failed:
        return Verdict.RUN
    return Verdict.SKIP if up.is_done else Verdict.WAIT


def one_done(up: Upstream) -> Verdict:
    """Run as soon as one upstream task succeeded or failed by itself."""
    if up.success or up.failed:
        return Verdict.RUN
    return Verdict.SKIP if up.is_done else Verdict.WAIT


def none_failed(up: Upstream) -> Verdict:
    """Run when every upstream task succeeded or was skipped."""
    if up.has_failed:
        return Verdict.UPSTREAM_FAILED
    return _run_if(up.total - up.success - up.skipped - up.forgiven <= 0)


def none_failed_min_one_success(up: Upstream) -> Verdict:
    """As ``none_failed``, but skipped when all were skipped.

    Unlike the reference not when there is none yet: a placeholder within a mapped group is to multiply first.
    """
    if up.total and not up.has_failed and up.skipped == up.total:
        return Verdict.SKIP
    return none_failed(up)


def none_skipped(up: Upstream) -> Verdict:
    """Run when every upstream task is over and none was skipped."""
    return Verdict.SKIP if up.skipped else _run_if(up.is_done)


def always(up: Upstream) -> Verdict:
    """Run at once."""
    return Verdict.RUN


def setups_succeeded(up: Upstream) -> Verdict:
    """The constraint beside the trigger rule: every setup further up whose scope holds the task succeeded."""
    return all_success(up)


def _run_if(is_met: bool) -> Verdict:
    return Verdict.RUN if is_met else Verdict.WAIT


Rule = Callable[[Upstream], Verdict]

#: By the names DAG files use; the last two are old names.
RULES: Mapping[str, Rule] = {
    "all_success": all_success,
    "all_failed": all_failed,
    "all_done": all_done,
    "all_done_setup_success": all_done_setup_success,
    "all_skipped": all_skipped,
    "one_success": one_success,
    "one_failed": one_failed,
    "one_done": one_done,
    "none_failed": none_failed,
    "none_failed_min_one_success": none_failed_min_one_success,
    "none_skipped": none_skipped,
    "always": always,
    "none_failed_or_skipped": none_failed_min_one_success,
    "dummy": always,
}

#: Rules that look at all map indexes of their upstream tasks within a mapped group, as in the reference.
FAST_RULES = frozenset({"one_success", "one_failed", "one_done"})


def evaluate(rule: str, direct: Upstream, setups: Upstream | None = None) -> Verdict:
    """The verdict of a rule over the direct upstream instances, under the constraint of setups further up.

    Not asked for tasks without upstream tasks: those run. Raises KeyError for an unknown rule.
    """
    if RULES[rule] is always:
        return Verdict.RUN
    constraint = Verdict.RUN if setups is None or not setups.total else setups_succeeded(setups)
    if constraint.is_settled:
        return constraint
    verdict = RULES[rule](direct)
    return constraint if verdict is Verdict.RUN else verdict
