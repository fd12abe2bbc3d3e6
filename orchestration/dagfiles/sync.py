"""Write what a parser found into the tables: one file, one transaction, a number of statements that does not depend
on how many DAGs the file has (but for bulk statements that are split by size).

A DAG belongs to the file that defined it first, as long as that file is there: another file with the same DAG id gets
an import error, and the DAG a warning. A file with errors keeps the DAGs it had, as they last were.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Q

from orchestration.authoring.loading import duplicate_error
from orchestration.conf import conf
from orchestration.dagfiles import sync_datasets, sync_parts, sync_rows, sync_versions
from orchestration.dagfiles.protocol import ParsedDag, ParseResult
from orchestration.models import Dag, DagImportError, DagSource, DagWarning
from orchestration.models.next_runs import set_next_runs
from orchestration.models.wakeups import notify

log = logging.getLogger(__name__)

#: Most characters of a file's name that an import error can be filed under.
_LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a result did. ``outcome`` is equal for equal results of a file."""

    outcome: str
    dags: int = 0
    errors: int = 0
    new_versions: int = 0
    deactivated: int = 0
    is_volatile: bool = False


@dataclass(slots=True)
class Syncer:
    """Applies results; keeps the digests of the documents that are stored, so that they are not read each time."""

    contents: dict[int, str] = field(default_factory=dict)

    def apply(self, result: ParseResult, *, root: str, now: datetime) -> Applied:
        """Write one file's result. Raises what the database raises; nothing is written then."""
        try:
            with transaction.atomic():
                return self._apply(result, root, now)
        except IntegrityError:  # another processor made the same row; what it wrote is visible now
            with transaction.atomic():
                return self._apply(result, root, now)

    def _apply(self, result: ParseResult, root: str, now: datetime) -> Applied:
        errors = {path: text for path, text in result.errors.items() if _belongs(path, result.path)}
        parsed = _accepted(result, errors)
        rows = {row.pk: row for row in Dag.objects.select_for_update().filter(Q(pk__in=parsed) | _in_file(result.path))}
        duplicates = _without_duplicates(parsed, rows, result.path, errors)
        present = sync_versions.decoded(parsed, errors)
        is_new = {dag_id for dag_id in present if dag_id not in rows}
        for dag_id in present:
            rows.setdefault(dag_id, sync_rows.new_row(present[dag_id]))
        is_back = any(not rows[dag_id].is_active or rows[dag_id].has_import_errors for dag_id in present)
        sources = _store_sources(result.sources, present.values())
        before = sync_rows.stored(rows.values())
        sync_rows.fill(rows, present, parsed, root=root, now=now)
        if is_new:
            made = [rows[dag_id] for dag_id in is_new]
            sync_rows.save_new(made)
            before |= sync_rows.stored(made)
        versions = sync_versions.write(rows, present, parsed, sources, self.contents, now)
        set_next_runs([rows[dag_id] for dag_id in present], present)
        is_changed = sync_rows.save([rows[dag_id] for dag_id in present], before, now)
        if versions.made or versions.renewed:
            _drop_unused(sources)
        refused = sync_parts.write(present, is_new)
        errors.update(refused)
        sync_datasets.write(present, is_new, now)
        warnings = _write_warnings(present, duplicates, result.path, now)
        deactivated = _deactivate_missing(result.path, present, rows, errors, now)
        _write_errors(result.path, errors, root, now)
        if is_changed or is_back or deactivated:
            notify("scheduler")
        return Applied(
            outcome=_outcome(parsed, errors),
            dags=len(present),
            errors=len(errors),
            new_versions=versions.made,
            deactivated=deactivated,
            # What other rows or people decide may be settled without a change of the file.
            is_volatile=result.asked or bool(refused or warnings) or any(dag.upcoming for dag in result.dags),
        )


def forget_missing(present: Collection[str], roots: Collection[str] | None, now: datetime) -> tuple[int, int]:
    """Deactivate the DAGs and drop the import errors of files that are not ``present``; how many of each.

    ``roots`` are the folders of this processor, None where it is the only one and rules over all rows.
    """
    mine = Q() if roots is None else Q(processor_subdir__in=list(roots))
    kept = set(present)
    with transaction.atomic():
        active = Dag.objects.filter(mine, is_active=True).values_list("pk", "fileloc")
        gone = [pk for pk, fileloc in active if not _is_present(fileloc, kept)]
        deactivated = Dag.objects.filter(pk__in=gone, is_active=True).update(is_active=False, last_expired_at=now)
        names = DagImportError.objects.filter(mine).values_list("pk", "filename")
        stale = [pk for pk, filename in names if not _is_present(filename, kept)]
        dropped, _ = DagImportError.objects.filter(pk__in=stale).delete()
        duplicates = DagWarning.objects.filter(warning_type=DagWarning.Type.DUPLICATE_DAG).values_list("pk", "message")
        settled = [pk for pk, message in duplicates if not any(_names(message, path) for path in kept)]
        DagWarning.objects.filter(pk__in=settled).delete()
        if deactivated:
            notify("scheduler")
    return deactivated, dropped


def _is_present(fileloc: str, present: set[str]) -> bool:
    return fileloc in present or any(str(parent) in present for parent in Path(fileloc).parents if parent.suffix)


def _belongs(path: str, file: str) -> bool:
    """Whether a path is the file's or within it (a module of an archive)."""
    return path == file or path.startswith(f"{file}/")


def _in_file(path: str) -> Q:
    return Q(fileloc=path) | Q(fileloc__startswith=f"{path}/")


def _accepted(result: ParseResult, errors: dict[str, str]) -> dict[str, ParsedDag]:
    """The DAGs by id; one that names another file as its own is an error of this file."""
    parsed: dict[str, ParsedDag] = {}
    for dag in result.dags:
        dag_id, fileloc = dag.document.get("dag_id"), dag.document.get("fileloc")
        if not isinstance(dag_id, str) or not isinstance(fileloc, str) or not _belongs(fileloc, result.path):
            errors[result.path] = f"The parser gave a DAG {dag_id!r} of the file {fileloc!r}, which is not this one."
            continue
        parsed[dag_id] = dag
    return parsed


def _without_duplicates(
    parsed: dict[str, ParsedDag], rows: dict[str, Dag], path: str, errors: dict[str, str]
) -> dict[str, str]:
    """Take out the DAGs that belong to another file; DAG id → what to warn of."""
    duplicates: dict[str, str] = {}
    for dag_id in [dag_id for dag_id in parsed if dag_id in rows]:
        row = rows[dag_id]
        if _belongs(row.fileloc, path) or not row.is_active or not _exists(row.fileloc):
            continue
        fileloc = str(parsed[dag_id].document["fileloc"])
        error = duplicate_error(dag_id, incoming=fileloc, existing=row.fileloc)
        errors[fileloc] = f"{type(error).__name__}: {error}"
        duplicates[dag_id] = f"{error}. Rename one of them."
        del parsed[dag_id], rows[dag_id]
    return duplicates


def _exists(fileloc: str) -> bool:
    path = Path(fileloc)
    return path.exists() or any(parent.is_file() for parent in path.parents)


def _store_sources(texts: Mapping[str, str], dags: Iterable[object]) -> dict[str, DagSource]:
    """Path → the stored text of the files that have DAGs, each text kept once."""
    wanted = {str(getattr(dag, "fileloc", "")) for dag in dags}
    sources = {
        path: DagSource(digest=hashlib.sha256(text.encode()).hexdigest(), fileloc=path, text=text)
        for path, text in texts.items()
        if path in wanted
    }
    if sources:
        DagSource.objects.bulk_create(sources.values(), ignore_conflicts=True)
    return sources


def _drop_unused(sources: Mapping[str, DagSource]) -> None:
    """Drop older texts of these files that no DAG and no version has any more."""
    unused = DagSource.objects.filter(fileloc__in=list(sources), dags=None, versions=None)
    unused.exclude(pk__in=[source.digest for source in sources.values()]).delete()


def _write_warnings(present: Mapping[str, object], duplicates: Mapping[str, str], path: str, now: datetime) -> int:
    """Pools that are missing, and DAGs that this file also defines; warnings that no longer hold go. How many hold."""
    wanted = {(dag_id, DagWarning.Type.DUPLICATE_DAG): text for dag_id, text in duplicates.items()}
    wanted |= {(dag_id, DagWarning.Type.NONEXISTENT_POOL): text for dag_id, text in sync_parts.pools(present).items()}
    kinds = [DagWarning.Type.NONEXISTENT_POOL, DagWarning.Type.DUPLICATE_DAG]
    of_dags = DagWarning.objects.filter(dag_id__in=[*present, *duplicates], warning_type=kinds[0])
    of_file = DagWarning.objects.filter(warning_type=kinds[1], message__contains=f"from {path} ")
    stored = {(warning.dag_id, warning.warning_type): warning for warning in (*of_dags, *of_file)}
    gone = [warning.pk for key, warning in stored.items() if key not in wanted]
    if gone:
        DagWarning.objects.filter(pk__in=gone).delete()
    fresh = [
        DagWarning(dag_id=dag_id, warning_type=kind, message=text, timestamp=now)
        for (dag_id, kind), text in wanted.items()
        if (dag_id, kind) not in stored or stored[dag_id, kind].message != text
    ]
    DagWarning.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["dag", "warning_type"],
        update_fields=["message", "timestamp"],
    )
    return len(wanted)


def _names(message: str, path: str) -> bool:
    return f"from {path} " in message or f"from {path}/" in message


def _deactivate_missing(
    path: str, present: Collection[str], rows: Mapping[str, Dag], errors: Mapping[str, str], now: datetime
) -> int:
    """Deactivate the DAGs that the file no longer defines, a while after it last did.

    While the file has errors nobody can tell what it defines: its DAGs stay, marked.
    """
    missing = [
        row.pk for pk, row in rows.items() if pk not in present and row.is_active and _belongs(row.fileloc, path)
    ]
    if errors or not missing:
        return 0
    limit = now - timedelta(seconds=conf.getint("scheduler", "stale_dag_threshold"))
    gone = Dag.objects.filter(pk__in=missing, is_active=True).filter(
        Q(last_parsed_at__lt=limit) | Q(last_parsed_at=None)
    )
    return gone.update(is_active=False, has_import_errors=False, last_expired_at=now)


def _write_errors(path: str, errors: Mapping[str, str], root: str, now: datetime) -> None:
    """The file's errors in place of those before, and marks on the DAGs of the files that have some."""
    named = {name[:_LONGEST_NAME]: text for name, text in errors.items()}
    stored = DagImportError.objects.filter(Q(filename=path) | Q(filename__startswith=f"{path}/"))
    stored.exclude(filename__in=list(named)).delete()
    DagImportError.objects.bulk_create(
        [
            DagImportError(filename=name, stack_trace=text, timestamp=now, processor_subdir=root)
            for name, text in named.items()
        ],
        update_conflicts=True,
        unique_fields=["filename"],
        update_fields=["stack_trace", "timestamp", "processor_subdir"],
    )
    Dag.objects.filter(_in_file(path), has_import_errors=True).exclude(fileloc__in=list(errors)).update(
        has_import_errors=False
    )
    if errors:
        Dag.objects.filter(fileloc__in=list(errors), has_import_errors=False).update(has_import_errors=True)


def _outcome(parsed: Mapping[str, ParsedDag], errors: Mapping[str, str]) -> str:
    whole = [sorted((dag_id, dag.digest) for dag_id, dag in parsed.items()), sorted(errors.items())]
    return hashlib.sha256(orjson.dumps(whole)).hexdigest()
