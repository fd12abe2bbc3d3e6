"""A try's log: pieces for the page, and the whole as a download; both in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from django.http import StreamingHttpResponse

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page
from orchestration.admin.pages.task_instances import OfTask
from orchestration.errors import Invalid, NotFound
from orchestration.execution.logs import Cursor, parts_of, path_of, read_try
from orchestration.states import TaskInstanceState

#: Bytes that one answer carries, and that are shown of a long log's end at first.
PIECE: Final = 256 * 1024
#: Bytes that one search looks through, lines after which it stops, and characters of a line that are shown.
SEARCHED: Final = 16 * 1024 * 1024
MOST_FOUND: Final = 500
MOST_OF_LINE: Final = 2000
_LEVEL: Final = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
_WEIGHTS: Final = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 4}
_AT_WORK = frozenset({"queued", "running", "restarting", "scheduled", "deferred", "up_for_reschedule"})


class OfLog(OfTask):
    """A log's pages; ``try`` in the address' query."""

    pairs = BY_ID["get_log"].pairs

    def path(self) -> tuple[int, Path]:
        """The try's number and its file. Raises NotFound."""
        asked = self.request.GET.get("try", "")
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise NotFound("Name a try by its number.")
        try:
            place = path_of(self.instance, int(asked))
        except Invalid as error:
            raise NotFound(error.detail) from error
        return int(asked), place

    def _cursor(self) -> Cursor | None:
        at = self.request.GET.get("at")
        if not at:
            return None
        try:
            cursor = Cursor.from_json(orjson.loads(at))
        except (Invalid, orjson.JSONDecodeError) as error:
            raise NotFound("This is no position in a log.") from error
        return cursor if all(offset < 2**60 for _, offset in cursor.offsets) else Cursor()


class LogData(Data, OfLog):
    """A piece of the log after ``at`` (none: the log's last part)."""

    pairs = BY_ID["get_log"].pairs

    def data(self) -> Any:
        """``text``, ``at`` for the next call, ``is_end`` (for now), ``is_running``, ``skipped`` bytes before it."""
        number, path = self.path()
        cursor, skipped = self._cursor(), 0
        if cursor is None:
            sizes = {part.name: part.stat().st_size for part in parts_of(path)}
            offsets = {name: max(0, size - PIECE) for name, size in sizes.items()}
            cursor, skipped = Cursor(tuple(offsets.items())), sum(offsets.values())
        piece, after, is_end = read_try(path, cursor, PIECE)
        if skipped:
            piece = piece.partition(b"\n")[2]
        is_present = number == self.instance.try_number
        return {
            "text": piece.decode(errors="replace"),
            "at": orjson.dumps(after.as_json()).decode(),
            "is_end": is_end,
            "is_running": is_present and self.instance.state in _AT_WORK,
            "state": self.instance.state if is_present else TaskInstanceState.NONE,
            "skipped": skipped,
        }


class LogSearch(Data, OfLog):
    """Lines of the whole log that hold ``q``, from ``level`` up: found here, so that a log of any size can be searched.

    A call looks through ``SEARCHED`` bytes at most; ``at`` of its answer goes on.
    """

    pairs = BY_ID["get_log"].pairs

    def data(self) -> Any:
        """``lines`` (about ``MOST_FOUND`` at most), ``at``, ``is_end``, ``looked`` and ``size`` (bytes now, of all)."""
        _, path = self.path()
        word = self.request.GET.get("q", "").strip().lower()[:500]
        least = _WEIGHTS.get(self.request.GET.get("level", ""), 0)
        if not word and not least:
            raise NotFound("Say what to look for: a word, or a level.")
        cursor, found, looked, is_end = self._cursor() or Cursor(), list[str](), 0, False
        weight = _WEIGHTS["INFO"]
        while not is_end and looked < SEARCHED and len(found) < MOST_FOUND:
            piece, cursor, is_end = read_try(path, cursor, PIECE)
            if not piece:
                break
            looked += len(piece)
            if word.isascii() and word.encode() not in piece.lower():
                weight = _last_weight(piece, weight)
                continue
            for line in piece.decode(errors="replace").splitlines():
                weight = _weight(line, weight)
                if weight >= least and word in line.lower():
                    found.append(line[:MOST_OF_LINE])
        size = sum(part.stat().st_size for part in parts_of(path))
        at = orjson.dumps(cursor.as_json()).decode()
        return {"lines": found, "at": at, "is_end": is_end, "looked": looked, "size": size}


def _weight(line: str, before: int) -> int:
    """A line's level; a line that does not begin a message has that of the message."""
    if not line.startswith("["):
        return before
    found = _LEVEL.search(line[:300])
    return _WEIGHTS[found[1]] if found is not None else before


def _last_weight(piece: bytes, before: int) -> int:
    """The level of a piece's last message, without looking at its other lines."""
    start = piece.rfind(b"\n[") + 1
    return _weight(piece[start : start + 300].decode(errors="replace"), before)


class LogDownload(OfLog):
    """The whole log as a file."""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The text, streamed."""
        number, path = self.path()
        if not parts_of(path):
            raise NotFound(f"There is no log of try {number} here: it has not started, or ran elsewhere.")
        answer = StreamingHttpResponse(_pieces(path), content_type="text/plain; charset=utf-8")
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in self.instance.task_id)
        answer["Content-Disposition"] = f'attachment; filename="{safe}-try-{number}.log"'
        return answer


def _pieces(path: Path) -> Iterator[bytes]:
    cursor, is_end = None, False
    while not is_end:
        piece, cursor, is_end = read_try(path, cursor)
        if not piece:
            return
        yield piece


_TASK: Final = "dags/<str:dag_id>/runs/<str:run_id>/tasks/<str:task_id>/"
PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    (f"{_TASK}log.json", "desk_log", LogData),
    (f"{_TASK}log.txt", "desk_log_file", LogDownload),
    (f"{_TASK}log.search", "desk_log_search", LogSearch),
)
