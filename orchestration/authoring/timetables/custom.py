"""What the scheduler sees of a user-written timetable: its answers, computed ahead in the parser.

The scheduler never imports user code. So whoever parses the file also asks the timetable ahead (``look_ahead``), and
the answers are kept beside the DAG as a *forecast*, renewed with every parse:

- ``runs``: the next runs in order, as a chain that starts after the last automated run known at the parse;
- ``manual``: what interval a run triggered by hand gets. ``{"kind": "offset", "start", "end"}`` (seconds from the
  run's moment) where the timetable's answer moves with the moment, else ``{"kind": "steps", "steps": [[from, start,
  end], …]}``: from each moment on, until the next step, the interval is this one.

A hand-triggered run before the first step gets an interval without length. Run ids that the class makes itself are
part of ``runs``; hand-triggered runs have the usual ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from orchestration.authoring.datasets import AliasResolver, BaseDataset, decode_condition, encode_condition
from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from orchestration.authoring.timetables.moments import decode_moment, encode_moment, utcnow

#: Runs looked ahead, and how long the looking may take.
AHEAD = 50
BUDGET_SECONDS = 2.0
#: From then on a forecast may hold runs that the class would no longer give without catchup.
STALE_AFTER = timedelta(minutes=10)
#: Steps back that manual intervals are known for.
BACK = 50


class RunDocument(TypedDict):
    """A run looked ahead; moments are ISO 8601 texts. ``run_id`` only where the class makes its own."""

    run_after: str
    start: str
    end: str
    run_id: NotRequired[str]


class Forecast(TypedDict):
    """What ``look_ahead`` gives. ``error`` is the timetable's exception as text, where it raised one."""

    computed_at: str
    runs: list[RunDocument]
    is_complete: bool  # no run follows the last one
    manual: dict[str, Any] | None
    error: NotRequired[str]


class PrecomputedTimetable(Timetable):
    """A user-written timetable, answered from its forecast."""

    def __init__(
        self, document: dict[str, Any], forecast: Forecast | None, resolve: AliasResolver | None = None
    ) -> None:
        self.document = document
        self.description = document["description"]
        self.periodic = document["periodic"]
        self._can_be_scheduled = document["can_be_scheduled"]
        self.run_ordering = tuple(document["run_ordering"])
        self.active_runs_limit = document["active_runs_limit"]
        self.dataset_condition: BaseDataset = decode_condition(document["dataset_condition"], resolve)
        self._runs = [_decode_run(run) for run in forecast["runs"]] if forecast else []
        self._manual = forecast["manual"] if forecast else None
        self._computed_at = decode_moment(forecast["computed_at"]) if forecast else utcnow()

    @property
    def summary(self) -> str:
        """What the class said of itself."""
        return str(self.document["summary"])

    def serialize(self) -> dict[str, Any]:
        """The document it was made from."""
        return self.document

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The first run looked ahead after the last one; None when they are used up: the next parse brings more.

        The class itself knew ``catchup`` when it was asked. Only where nobody parsed for a while, and without catchup,
        are the due runs but the last left out here.
        """
        rest = [run for run, _ in self._runs]
        if last_automated_data_interval is not None:
            last = last_automated_data_interval
            rest = [run for run in rest if (run.data_interval.start, run.data_interval.end) > (last.start, last.end)]
        if restriction.latest is not None:
            rest = [run for run in rest if run.logical_date <= restriction.latest]
        if not rest:
            return None
        now = utcnow()
        if restriction.catchup or self._computed_at > now - STALE_AFTER:
            return rest[0]
        return next((run for run in reversed(rest) if run.run_after <= now), rest[0])

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The interval the class gave for this span of time when the file was parsed."""
        match self._manual:
            case {"kind": "offset", "start": start, "end": end}:
                return DataInterval(run_after + timedelta(seconds=start), run_after + timedelta(seconds=end))
            case {"kind": "steps", "steps": steps}:
                for since, start, end in reversed(steps):
                    if decode_moment(since) <= run_after:
                        return DataInterval(decode_moment(start), decode_moment(end))
        return DataInterval.exact(run_after)

    def generate_run_id(
        self, *, run_type: Any, logical_date: datetime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """The id the class made for a scheduled run, else the usual one."""
        if getattr(run_type, "value", run_type) == "scheduled":
            for run, run_id in self._runs:
                if run_id is not None and run.logical_date == logical_date:
                    return run_id
        return super().generate_run_id(
            run_type=run_type, logical_date=logical_date, data_interval=data_interval, **extra
        )


def describe(timetable: Timetable) -> dict[str, Any]:
    """The document of a user-written timetable: what it says of itself, without its arguments."""
    cls = type(timetable)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "summary": str(timetable.summary),
        "description": str(timetable.description or ""),
        "periodic": bool(timetable.periodic),
        "can_be_scheduled": bool(timetable.can_be_scheduled),
        "run_ordering": [str(name) for name in timetable.run_ordering],
        "active_runs_limit": timetable.active_runs_limit,
        "dataset_condition": encode_condition(timetable.dataset_condition),
    }


def look_ahead(
    timetable: Timetable,
    *,
    last: DataInterval | None,
    restriction: TimeRestriction,
    make_moment: Callable[[datetime], Any],
    run_type: Any = "scheduled",
    ahead: int = AHEAD,
) -> Forecast:
    """Ask a user-written timetable for its next runs and for the intervals of hand-triggered ones.

    ``make_moment`` dresses a moment for user code (``pendulum.instance``). An exception of the timetable ends the
    looking and is told in ``error``.
    """
    now = utcnow()
    forecast: Forecast = {"computed_at": encode_moment(now), "runs": [], "is_complete": False, "manual": None}

    def dressed(interval: DataInterval) -> DataInterval:
        return DataInterval(make_moment(interval.start), make_moment(interval.end))

    restriction = restriction._replace(
        earliest=restriction.earliest and make_moment(restriction.earliest),
        latest=restriction.latest and make_moment(restriction.latest),
    )
    deadline = time.monotonic() + BUDGET_SECONDS
    moments = [now]
    try:
        interval = last and dressed(last)
        while len(forecast["runs"]) < ahead and time.monotonic() < deadline:
            info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
            if info is None:
                forecast["is_complete"] = True
                break
            forecast["runs"].append(_encode_run(timetable, info, run_type))
            moments.append(info.run_after)
            interval = info.data_interval
        forecast["manual"] = _manual(timetable, moments, make_moment, deadline)
    except Exception as error:
        forecast["error"] = f"{type(error).__name__}: {error}"
    return forecast


def _encode_run(timetable: Timetable, info: DagRunInfo, run_type: Any) -> RunDocument:
    run: RunDocument = {
        "run_after": encode_moment(info.run_after),
        "start": encode_moment(info.data_interval.start),
        "end": encode_moment(info.data_interval.end),
    }
    if type(timetable).generate_run_id is not Timetable.generate_run_id:
        run["run_id"] = timetable.generate_run_id(
            run_type=run_type, logical_date=info.logical_date, data_interval=info.data_interval
        )
    return run


def _decode_run(run: RunDocument) -> tuple[DagRunInfo, str | None]:
    interval = DataInterval(decode_moment(run["start"]), decode_moment(run["end"]))
    return DagRunInfo(decode_moment(run["run_after"]), interval), run.get("run_id")


def _manual(
    timetable: Timetable, moments: Sequence[datetime], make_moment: Callable[[datetime], Any], deadline: float
) -> dict[str, Any] | None:
    """How the class answers for hand-triggered runs at ``moments`` (the first is now), and step by step before now."""

    def ask(at: datetime) -> DataInterval:
        return timetable.infer_manual_data_interval(run_after=make_moment(at))

    now = moments[0]
    here = ask(now)
    # Two more moments close by: an answer that keeps its distance to the moment is an offset.
    offsets = {
        ((interval.start - at).total_seconds(), (interval.end - at).total_seconds())
        for at in (now, now + timedelta(seconds=41), now - timedelta(hours=31, seconds=17))
        for interval in (here if at is now else ask(at),)
    }
    if len(offsets) == 1:
        start, end = offsets.pop()
        return {"kind": "offset", "start": start, "end": end}
    steps: dict[datetime, DataInterval] = {min(now, max(here.end, here.start)): here}
    earlier = here
    for _ in range(BACK):  # from each complete interval to the one that was complete when it began
        if time.monotonic() > deadline:
            break
        before = ask(earlier.start)
        if before.start >= earlier.start:
            break
        steps[before.end] = before
        earlier = before
    for at in moments[1:]:
        if time.monotonic() > deadline:
            break
        if at > now:
            steps[at] = ask(at)
    return {
        "kind": "steps",
        "steps": [[*map(encode_moment, (at, step.start, step.end))] for at, step in sorted(steps.items())],
    }
