"""Which file is parsed next. Decides on times and marks only; nothing here touches a file or a process.

A file is parsed when someone asked for it, when it or a module it imports changed, and again after an interval. The
interval is ``min_file_process_interval``; while parse after parse finds the same, it doubles up to ten times that, and
any change nearby brings it back. A file whose DAGs depend on more than files (it asked for a Variable, it has a
user-written timetable) keeps the short interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from orchestration.dagfiles.discover import DagFile

#: How far the interval of an unchanging file grows.
MOST_INTERVALS = 10


class Urgency(IntEnum):
    """Why a file is to be parsed, the most urgent first."""

    REQUESTED = 0
    CHANGED = 1
    DUE = 2


@dataclass(slots=True)
class FileState:
    """What is known of one file. Times are seconds of one monotonic clock; ``stamp`` is (modification time, size)."""

    file: DagFile
    due_at: float = 0.0
    urgency: Urgency = Urgency.CHANGED
    stamp: tuple[int, int] | None = None
    outcome: str | None = None
    same_outcomes: int = 0
    modules: frozenset[str] = frozenset()
    #: DAGs that the last parse found.
    dags: int = 0
    is_running: bool = False
    marked_while_running: Urgency | None = None


@dataclass(slots=True)
class FileQueue:
    """All files of the folders and when each is due."""

    interval: float
    files: dict[str, FileState] = field(default_factory=dict)

    def update(self, found: Sequence[DagFile], now: float) -> tuple[list[str], list[str]]:
        """Take over a listing; the paths that are new (due at once) and those that are gone."""
        present = {file.path: file for file in found}
        gone = [path for path in self.files if path not in present]
        for path in gone:
            del self.files[path]
        new = [path for path in present if path not in self.files]
        for path in new:
            self.files[path] = FileState(present[path], due_at=now)
        return new, gone

    def mark(self, path: str, urgency: Urgency, now: float) -> bool:
        """Make a file due now; False for one that is not listed."""
        state = self.files.get(path)
        if state is None:
            return False
        state.same_outcomes = 0
        if state.is_running:  # it may have been read before the change
            state.marked_while_running = min(urgency, state.marked_while_running or urgency)
        else:
            state.due_at = min(state.due_at, now)
            state.urgency = min(urgency, state.urgency)
        return True

    def changed(self, paths: Iterable[str], now: float) -> None:
        """Something changed on disk: make the files and those that import them due.

        A path that nobody is known to read (a YAML file, say) brings all files back to the short interval.
        """
        for path in paths:
            users = [key for key, state in self.files.items() if key == path or path in state.modules]
            for key in users:
                self.mark(key, Urgency.CHANGED, now)
            if not users:
                self.relax(now)

    def relax(self, now: float) -> None:
        """Bring all files back to the short interval."""
        for state in self.files.values():
            state.same_outcomes = 0
            state.due_at = min(state.due_at, now + self.interval)

    def next(self, now: float) -> DagFile | None:
        """The file to parse now, and note that it is being parsed; None if none is due."""
        due = [state for state in self.files.values() if not state.is_running and state.due_at <= now]
        if not due:
            return None
        state = min(due, key=lambda state: (state.urgency, state.due_at, state.file.path))
        state.is_running = True
        return state.file

    def finished(
        self,
        path: str,
        now: float,
        *,
        outcome: str,
        modules: Iterable[str] = (),
        dags: int = 0,
        is_volatile: bool = False,
    ) -> None:
        """A parse ended with this outcome (any text that is equal for equal results) and so many DAGs."""
        state = self.files.get(path)
        if state is None:
            return
        is_same = outcome == state.outcome and not is_volatile
        state.same_outcomes = state.same_outcomes + 1 if is_same else 0
        state.outcome = outcome
        state.modules = frozenset(modules)
        state.dags = dags
        state.is_running = False
        state.urgency = Urgency.DUE
        state.due_at = now + self.interval * min(2**state.same_outcomes, MOST_INTERVALS)
        if state.marked_while_running is not None:
            urgency, state.marked_while_running = state.marked_while_running, None
            self.mark(path, urgency, now)

    def mark_missing(self, rows: Mapping[str, int], now: float) -> None:
        """Make the files due that have fewer DAGs in the tables (path → how many) than they define."""
        for path, state in self.files.items():
            if rows.get(path, 0) < state.dags:
                self.mark(path, Urgency.CHANGED, now)

    def given_back(self, path: str, now: float) -> None:
        """A parse came to no end through no fault of the file: it is due again."""
        state = self.files.get(path)
        if state is not None:
            state.is_running = False
            state.due_at = now
            state.urgency = Urgency.REQUESTED

    def seconds_until_due(self, now: float) -> float | None:
        """How long until the next file is due; None if none will be."""
        waiting = [state.due_at for state in self.files.values() if not state.is_running]
        return max(0.0, min(waiting) - now) if waiting else None
