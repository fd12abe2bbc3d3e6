"""The words that the sentences share: links, lists, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orchestration.models import Dag, DagRun

#: Runs, tasks and pools that one sentence names.
MOST_NAMED: Final = 3


class Wait(NamedTuple):
    """One thing that is waited for: what it is about in a word or two, and a sentence as safe HTML."""

    name: str
    text: SafeString | str


def limit(dag: Dag) -> str:
    number = dag.max_active_runs
    return f"{number} run{'s' if number != 1 else ''} of this DAG may be active (max_active_runs)"


def link(run: DagRun) -> SafeString:
    return _anchor(run.run_id, "desk_run", run.dag_id, run.run_id)


def task_link(run: DagRun, task_id: str) -> SafeString:
    return _anchor(task_id, "desk_task", run.dag_id, run.run_id, task_id)


def _anchor(text: str, page: str, *names: str) -> SafeString:
    """The text as a link to a page; without one where no address can hold the names (another system made them)."""
    try:
        return format_html("<a href='{}'>{}</a>", reverse(f"admin:{page}", args=names), text)
    except NoReverseMatch:
        return format_html("{}", text)


def states(run: DagRun, found: Sequence[tuple[str, str]]) -> SafeString:
    """``a is failed, b has no state`` with links to the tasks."""
    return listed(
        format_html("{} {}", task_link(run, task_id), f"is {state.replace('_', ' ')}" if state else "has no state")
        for task_id, state in found
    )


def listed(parts: Iterable[SafeString]) -> SafeString:
    """The first ones with commas, and how many others there are."""
    found = list(parts)
    named = format_html_join(", ", "{}", ((part,) for part in found[:MOST_NAMED]))
    more = len(found) - MOST_NAMED
    return format_html("{} and {} more", named, more) if more > 0 else named


def tasks(number: int, one: str, many: str) -> str:
    """``1 task waits``, ``2 tasks wait``."""
    return f"1 task {one}" if number == 1 else f"{number} tasks {many}"
