"""What the DAG processor and its parsers say to each other.

All of it is JSON in frames (see ``channel``). The parser first receives one ``ParseJob`` or ``CallbackJob``; it may
then ask the store port (``{"call", "args"}``, answered with ``{"value"}`` or ``{"error"}``); its last word is
``{"result": …}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

#: Characters of a file's source that are kept.
SOURCE_KEPT = 5_000_000
#: Bytes of a parser's output that are kept.
OUTPUT_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one parser may use: seconds for importing a module and in all, bytes of address space (0 is no limit)."""

    import_seconds: float
    seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ParseJob:
    """Parse one file. ``last_intervals``: DAG id → ISO texts of the last automated run's interval.

    The intervals are those of DAGs with user-written timetables, which the parser asks ahead.
    """

    path: str
    root: str
    safe_mode: bool
    limits: Limits
    last_intervals: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallbackJob:
    """Run callbacks that one file defines, in order; each request is ``{"kind", "data"}``.

    ``mailer`` names the ``module:function`` that mails about tasks, empty for none.
    """

    path: str
    root: str
    limits: Limits
    requests: Sequence[Mapping[str, Any]]
    mailer: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDag:
    """One DAG: its document, the digests of its shape and of all of it, and what its timetable said ahead."""

    document: Mapping[str, Any]
    shape: str
    digest: str
    upcoming: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What a parser found, or why it found nothing (one error under the file's path).

    ``sources``: path → text of the files that DAGs are from. ``modules`` are the files below the DAGs and plugins
    folders that the file imported; ``asked`` whether it asked the store. ``output`` is what it printed, cut.
    """

    path: str
    dags: Sequence[ParsedDag] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    modules: Sequence[str] = ()
    asked: bool = False
    seconds: float = 0.0
    output: str = ""


def job_document(job: ParseJob | CallbackJob) -> dict[str, Any]:
    """The job as JSON."""
    return {"kind": "parse" if isinstance(job, ParseJob) else "callbacks", **asdict(job)}


def read_job(document: Mapping[str, Any]) -> ParseJob | CallbackJob:
    """The reverse of ``job_document``."""
    fields = dict(document)
    kind = fields.pop("kind")
    fields["limits"] = Limits(**fields["limits"])
    return ParseJob(**fields) if kind == "parse" else CallbackJob(**fields)


def read_result(path: str, document: Any) -> ParseResult:
    """A parser's last word as values. Raises ValueError if it has another form: user code shares its process."""
    try:
        return ParseResult(
            path=path,
            dags=tuple(
                ParsedDag(
                    document=_mapping(dag["document"]),
                    shape=_text(dag["shape"]),
                    digest=_text(dag["digest"]),
                    upcoming=None if dag["upcoming"] is None else _mapping(dag["upcoming"]),
                )
                for dag in document["dags"]
            ),
            errors={_text(file): _text(text) for file, text in document["errors"].items()},
            warnings=tuple(_text(line) for line in document["warnings"]),
            sources={_text(file): _text(text) for file, text in document["sources"].items()},
            modules=tuple(_text(line) for line in document["modules"]),
            asked=bool(document["asked"]),
            seconds=float(document["seconds"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"The parser's answer has a wrong form: {error!r}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} is no object")
    return value
