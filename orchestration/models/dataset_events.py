"""Datasets were written: their events, what aliases stand for from then on, and which DAGs wait no longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestration.models.dag import ParseRequest
from orchestration.models.dataset import (
    DagDatasetAliasReference,
    DagDatasetReference,
    Dataset,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The try that wrote."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int


@dataclass(frozen=True, slots=True)
class Change:
    """One dataset was written; ``aliases`` are the names through which it was, if any. ``extra`` is JSON."""

    uri: str
    extra: Any = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()


def register(changes: Sequence[Change], *, source: Source | None, now: datetime) -> list[DatasetEvent]:
    """Write one event per change and queue it for every active, unpaused DAG that waits; the events in that order.

    A dataset or alias that nobody knew is made. ``source`` is None where a caller of the API wrote. The DAG files that
    wait for an alias which stands for a new dataset from now on are asked to be parsed again. To be called in the
    transaction of what caused the change; about ten statements, whatever the number of changes. Rows are inserted in
    one order everywhere, so that two writers do not wait for each other in a circle.
    """
    if not changes:
        return []
    datasets = _datasets({change.uri for change in changes})
    origin: dict[str, Any] = {"timestamp": now}
    if source is not None:
        origin |= {
            "source_dag_id": source.dag_id,
            "source_task_id": source.task_id,
            "source_run_id": source.run_id,
            "source_map_index": source.map_index,
        }
    events = DatasetEvent.objects.bulk_create(
        DatasetEvent(**{**origin, "dataset": datasets[change.uri], "extra": change.extra or {}}) for change in changes
    )
    waiting = set(_waiting_for(datasets.values()))
    if any(change.aliases for change in changes):
        waiting |= _link_aliases(changes, events, datasets, waiting)
    DatasetQueuedEvent.objects.bulk_create(
        (
            DatasetQueuedEvent(dataset_id=dataset_id, dag_id=dag_id, created_at=now)
            for dataset_id, dag_id in sorted(waiting)
        ),
        ignore_conflicts=True,
    )
    return events


def _datasets(uris: set[str]) -> dict[str, Dataset]:
    """The datasets of these URIs, missing ones made."""
    known = Dataset.objects.in_bulk(uris, field_name="uri")
    if missing := sorted(uris - known.keys()):
        Dataset.objects.bulk_create([Dataset(uri=uri) for uri in missing], ignore_conflicts=True)
        known |= Dataset.objects.in_bulk(missing, field_name="uri")
    return known


def _waiting_for(datasets: Iterable[Dataset]) -> list[tuple[int, str]]:
    """(dataset, DAG) for each active, unpaused DAG whose schedule names one of the datasets."""
    return list(
        DagDatasetReference.objects.filter(dataset__in=[dataset.pk for dataset in datasets], dag__is_active=True)
        .exclude(dag__is_paused=True)
        .values_list("dataset_id", "dag_id")
    )


def _link_aliases(
    changes: Sequence[Change],
    events: Sequence[DatasetEvent],
    datasets: dict[str, Dataset],
    waiting: set[tuple[int, str]],
) -> set[tuple[int, str]]:
    """Let the aliases stand for their datasets; (dataset, DAG) for each DAG whose schedule names one of the aliases."""
    names = {name for change in changes for name in change.aliases}
    aliases = DatasetAlias.objects.in_bulk(names, field_name="name")
    if missing := sorted(names - aliases.keys()):
        DatasetAlias.objects.bulk_create([DatasetAlias(name=name) for name in missing], ignore_conflicts=True)
        aliases |= DatasetAlias.objects.in_bulk(missing, field_name="name")
    links = sorted({(aliases[name].pk, datasets[change.uri].pk) for change in changes for name in change.aliases})
    to_dataset = DatasetAlias.datasets.through
    to_dataset.objects.bulk_create(
        [to_dataset(datasetalias_id=alias, dataset_id=dataset) for alias, dataset in links], ignore_conflicts=True
    )
    to_event = DatasetAlias.events.through
    to_event.objects.bulk_create(
        [
            to_event(datasetalias_id=aliases[name].pk, datasetevent_id=event.pk)
            for change, event in zip(changes, events, strict=True)
            for name in sorted(change.aliases)
        ]
    )
    references = (
        DagDatasetAliasReference.objects.filter(alias__in=[alias.pk for alias in aliases.values()], dag__is_active=True)
        .exclude(dag__is_paused=True)
        .values_list("alias_id", "dag_id", "dag__fileloc")
    )
    found = {(dataset, dag_id): fileloc for alias, dag_id, fileloc in references for a, dataset in links if a == alias}
    files = sorted({fileloc for pair, fileloc in found.items() if pair not in waiting})
    ParseRequest.objects.bulk_create([ParseRequest(fileloc=fileloc) for fileloc in files], ignore_conflicts=True)
    return set(found)
