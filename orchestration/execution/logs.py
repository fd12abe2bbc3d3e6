"""Task logs: where they lie, and how they are read while they grow, in constant memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from orchestration.conf import TABLE, conf
from orchestration.errors import Invalid

if TYPE_CHECKING:
    from orchestration.models import TaskInstance

#: The most bytes that one call reads.
CHUNK = 1024 * 1024
#: Parts of a path that would leave the folder or hide a file.
_UNSAFE_PARTS = frozenset({"", ".", ".."})


class _Template(Protocol):
    def __call__(self, names: dict[str, Any]) -> str: ...


def log_path(
    *,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
    try_number: int,
    logical_date: datetime | None = None,
) -> Path:
    """The file of one try below ``logging.base_log_folder``; it need not exist.

    ``logging.log_filename_template`` is a Jinja template (``ti``, ``try_number``, ``execution_date``, ``ts``) or a
    format (``{dag_id}``, ``{task_id}``, ``{run_id}``, ``{execution_date}``, ``{try_number}``). Raises Invalid where
    the path would leave the folder.
    """
    date = "" if logical_date is None else logical_date.isoformat()
    names: dict[str, Any] = {
        "dag_id": dag_id,
        "run_id": run_id,
        "task_id": task_id,
        "map_index": map_index,
        "try_number": try_number,
        "execution_date": date,
        "ts": date,
    }
    relative = _template(conf.get("logging", "log_filename_template"))(names)
    if relative.startswith("/") or not _UNSAFE_PARTS.isdisjoint(relative.split("/")) or "\0" in relative:
        raise Invalid(f"The log of {dag_id} {run_id} {task_id} has no safe place: {relative!r}. Rename the run.")
    return conf.path("logging", "base_log_folder") / relative


def path_of(ti: TaskInstance, try_number: int | None = None) -> Path:
    """``log_path`` of a try of the row, of the present one unless a number is given; needs ``ti.run``."""
    return log_path(
        dag_id=ti.dag_id,
        run_id=ti.run.run_id,
        task_id=ti.task_id,
        map_index=ti.map_index,
        try_number=ti.try_number if try_number is None else try_number,
        logical_date=ti.run.logical_date,
    )


@cache
def _template(text: str) -> _Template:
    if text == TABLE["logging", "log_filename_template"].default:
        return _default  # without loading Jinja into processes that need it for nothing else
    if "{{" not in text and "{%" not in text:
        return lambda names: text.format(**names)
    from jinja2.sandbox import SandboxedEnvironment  # a tenth of a second, and only here

    template = SandboxedEnvironment(autoescape=False).from_string(text)

    def render(names: dict[str, Any]) -> str:
        return template.render(ti=SimpleNamespace(**names), **names)

    return render


def _default(names: dict[str, Any]) -> str:
    index = f"map_index={names['map_index']}/" if names["map_index"] >= 0 else ""
    place = f"dag_id={names['dag_id']}/run_id={names['run_id']}/task_id={names['task_id']}"
    return f"{place}/{index}attempt={names['try_number']}.log"


def parts_of(path: Path) -> list[Path]:
    """The files that together are a try's log: the task's own and those of its triggers, oldest name first.

    Triggers write ``attempt=1.log.trigger.<job>.log`` beside ``attempt=1.log``.
    """
    triggers = sorted(path.parent.glob(f"{_escaped(path.name)}.trigger.*.log"))
    return [file for file in (path, *triggers) if file.is_file()]


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def read(path: Path, offset: int, limit: int = CHUNK) -> tuple[bytes, int, bool]:
    """Up to ``limit`` bytes of a file from ``offset``, where to go on, and whether that is its end for now.

    A file that is not there is empty. Reading ends after a whole line or character where it can: the rest comes with
    the next call. Constant memory, whatever the size.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
            is_end = file.tell() >= os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return b"", offset, True
    if not is_end:
        data = data[: _whole(data)]
    return data, offset + len(data), is_end


def _whole(data: bytes) -> int:
    """How much of the bytes to take so that no line, or at least no character, is cut."""
    line = data.rfind(b"\n")
    if line >= 0:
        return line + 1
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1000_0000:
            continue
        is_cut = (byte & 0b1110_0000 == 0b1100_0000 and back < 2) or (byte & 0b1111_0000 == 0b1110_0000 and back < 3)
        return len(data) - back if is_cut or (byte & 0b1111_1000 == 0b1111_0000 and back < 4) else len(data)
    return len(data)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far each part of a try's log was read: the part's file name and the bytes."""

    offsets: tuple[tuple[str, int], ...] = ()

    def as_json(self) -> dict[str, int]:
        """Plain values, for a token."""
        return dict(self.offsets)

    @classmethod
    def from_json(cls, document: Any) -> Cursor:
        """The reverse of ``as_json``. Raises Invalid for anything else."""
        is_right = isinstance(document, dict) and all(
            isinstance(name, str) and isinstance(offset, int) and offset >= 0 for name, offset in document.items()
        )
        if not is_right:
            raise Invalid("This is no position in a log. Read from the start.")
        return cls(tuple(document.items()))


def read_try(path: Path, cursor: Cursor | None = None, limit: int = CHUNK) -> tuple[bytes, Cursor, bool]:
    """What a try's log has after ``cursor`` (None: from the start), where to go on, and whether it ends there for now.

    ``path`` is the task's own file, from ``log_path``. Lines of a trigger's file come where their time puts them among
    those read at once.
    """
    offsets = dict((cursor or Cursor()).offsets)
    parts = parts_of(path)
    chunks: list[bytes] = []
    is_end = True
    for part in parts:
        if limit <= 0:
            is_end = False
            break
        data, offsets[part.name], is_part_end = read(part, offsets.get(part.name, 0), limit)
        limit -= len(data)
        is_end = is_end and is_part_end
        if data:
            chunks.append(data)
    merged = chunks[0] if len(chunks) == 1 else _interleaved(chunks)
    return merged, Cursor(tuple(offsets.items())), is_end


_STAMP = re.compile(rb"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4})\]")


def _interleaved(chunks: list[bytes]) -> bytes:
    """The chunks' lines in the order of their times; a line without one stays below the one before it."""
    keyed: list[tuple[bytes, int, bytes]] = []
    for chunk in chunks:
        stamp = b""
        for line in chunk.splitlines(keepends=True):
            if match := _STAMP.match(line):
                stamp = match[1]
            keyed.append((stamp, len(keyed), line if line.endswith(b"\n") else line + b"\n"))
    return b"".join(line for _, _, line in sorted(keyed))
