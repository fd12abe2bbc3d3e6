"""What keeps a queued run from starting, active runs that wait in turn for it among it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestration.admin.queries.waits.words import Wait, limit, link, listed
from orchestration.models import Backfill, Dag, DagRun
from orchestration.scheduling import due, unmet
from orchestration.states import DagRunState


def start(run: DagRun, dag: Dag, active: Sequence[DagRun], jam: unmet.Jam | None) -> Iterator[Wait]:
    """What keeps a queued run from starting, its DAG's switches apart."""
    if run.backfill_id is not None:
        yield from _backfill(run.backfill_id)
    elif due.is_full(len(active), dag.max_active_runs):
        yield Wait("Active runs", no_place(run, dag, active, jam))


def _backfill(pk: int) -> Iterator[Wait]:
    backfill = Backfill.objects.filter(pk=pk).first()
    if backfill is None:  # deleted since the run was read
        return
    if backfill.is_paused:
        yield Wait("Backfill", "Its backfill is paused. Unpause it to let its runs start.")
    elif due.is_full(backfill.runs.filter(state=DagRunState.RUNNING).count(), backfill.max_active_runs):
        yield Wait(
            "Backfill",
            f"As many runs of its backfill are active as may be: {backfill.max_active_runs}. "
            "It starts when one of them has ended.",
        )


def no_place(run: DagRun, dag: Dag, active: Sequence[DagRun], jam: unmet.Jam | None) -> SafeString:
    """That there is no place for this queued run among the active ones."""
    is_one = len(active) == 1
    full = format_html("Only {}, and {} {}.", limit(dag), listed(map(link, active)), "is" if is_one else "are")
    if jam is None:
        return format_html("{} It starts when {} has ended.", full, "that run" if is_one else "one of them")
    first = "this one" if jam.first == run else link(jam.first)
    if is_one:
        looks = format_html("That run waits in turn for {} (depends_on_past), so neither goes on by itself.", first)
    else:
        looks = format_html(
            "Each of them waits for the run before it (depends_on_past), the oldest for {}, so none goes on by itself.",
            first,
        )
    return format_html("{} {} {}", full, looks, _ways_out(link(active[0]) if is_one else "one of them", jam, run, dag))


def _ways_out(which: SafeString | str, jam: unmet.Jam, run: DagRun, dag: Dag) -> SafeString:
    """What ends a jam, as seen from ``run``; ``which``: the active run that is to give its place away."""
    is_here = jam.first == run
    too_many = len(jam.active) - (dag.max_active_runs or 0)  # where the limit was lowered since they started
    which = which if too_many <= 0 else f"{too_many + 1} of them"
    return format_html(
        "Mark {} as queued, so that {} goes first. Or mark as success {} what is waited for, delete one of {}, or "
        "raise max_active_runs in the DAG’s file.",
        which,
        "this one" if is_here else link(jam.first),
        "here" if is_here else "there",
        "the two" if len(jam.active) == 1 else "these runs",
    )


def jammed(run: DagRun, dag: Dag, jam: unmet.Jam, before: DagRun, who: SafeString | str, verb: str) -> SafeString:
    """That ``who`` of this active run waits for ``before``, and that as things are it waits for ever."""
    begin = format_html("{} {} for the run {} before it, which is {}", who, verb, link(before), before.state)
    if len(jam.active) == 1:
        middle = format_html("{}: only {}, and this one is, so neither goes on by itself.", begin, limit(dag))
    else:
        middle = format_html(
            "{}: only {}, and {} are, this one among them. Each of them waits for the run before it, the oldest for "
            "{}, which is queued, so none goes on by itself.",
            begin,
            limit(dag),
            len(jam.active),
            link(jam.first),
        )
    return format_html("{} {}", middle, _ways_out("this run", jam, run, dag))
