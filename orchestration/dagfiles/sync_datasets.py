"""Datasets and aliases that the DAGs of one file name: rows, who waits for them, who writes them, orphans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from orchestration.authoring.datasets import BaseDataset, decode_condition
from orchestration.models import (
    DagDatasetAliasReference,
    DagDatasetReference,
    Dataset,
    DatasetAlias,
    TaskOutletReference,
)
from orchestration.serialization.values import SerializedDag


def write(present: Mapping[str, SerializedDag], is_new: Collection[str], now: datetime) -> None:
    """Bring datasets and references to what the file says; about ten statements, none where nothing names a dataset."""
    conditions = {dag_id: decode_condition(dag.dataset_condition, _resolver()) for dag_id, dag in present.items()}
    outlets = [
        (dag_id, task.task_id, outlet)
        for dag_id, dag in present.items()
        for task in dag.tasks.values()
        for outlet in task.outlets
    ]
    extras = _named_datasets(conditions, outlets)
    aliases = {alias.name for condition in conditions.values() for alias in condition.iter_dataset_aliases()}
    aliases |= {outlet["name"] for _, _, outlet in outlets if outlet.get("type") == "dataset_alias"}
    datasets = _datasets(extras, now)
    names = _aliases(aliases)
    known = [dag_id for dag_id in present if dag_id not in is_new]
    is_orphaning = _schedule_references(conditions, datasets, known)
    _alias_references(conditions, names, known)
    is_orphaning |= _outlet_references(outlets, datasets, known)
    if is_orphaning:
        mark_orphans(now)


def mark_orphans(now: datetime) -> int:
    """Mark the datasets that no schedule and no task names; how many."""
    waited_for = DagDatasetReference.objects.filter(dataset=OuterRef("pk"))
    written = TaskOutletReference.objects.filter(dataset=OuterRef("pk"))
    orphans = Dataset.objects.filter(~Exists(waited_for), ~Exists(written), is_orphaned=False)
    return orphans.update(is_orphaned=True, updated_at=now)


def _resolver() -> Any:
    """Alias → the datasets it stands for, asked from the tables."""
    from orchestration.authoring.datasets import Dataset as Named

    def resolve(name: str) -> list[Named]:
        found = Dataset.objects.filter(aliases__name=name).order_by("uri")
        return [Named(row.uri, row.extra) for row in found]

    return resolve


def _named_datasets(conditions: Mapping[str, BaseDataset], outlets: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """URI → extra of all datasets named; the first extra that is given counts, outlets before schedules."""
    extras: dict[str, Any] = {}

    def pairs() -> Iterator[tuple[str, Any]]:
        yield from ((outlet["uri"], outlet.get("extra")) for _, _, outlet in outlets if outlet.get("type") == "dataset")
        for condition in conditions.values():
            yield from ((uri, dataset.extra) for uri, dataset in condition.iter_datasets())

    for uri, extra in pairs():
        extras[uri] = extras.get(uri) or extra or {}
    return extras


def _datasets(extras: Mapping[str, Any], now: datetime) -> dict[str, int]:
    """URI → key of each dataset; missing ones are made, orphans found again."""
    if not extras:
        return {}
    stored = {dataset.uri: dataset for dataset in Dataset.objects.filter(uri__in=list(extras))}
    found_again = [dataset.pk for dataset in stored.values() if dataset.is_orphaned]
    if found_again:
        Dataset.objects.filter(pk__in=found_again).update(is_orphaned=False, updated_at=now)
    missing = [uri for uri in extras if uri not in stored]
    if missing:
        Dataset.objects.bulk_create([Dataset(uri=uri, extra=extras[uri]) for uri in missing], ignore_conflicts=True)
        stored |= {dataset.uri: dataset for dataset in Dataset.objects.filter(uri__in=missing)}
    return {uri: dataset.pk for uri, dataset in stored.items()}


def _aliases(names: Collection[str]) -> dict[str, int]:
    if not names:
        return {}
    stored = dict(DatasetAlias.objects.filter(name__in=names).values_list("name", "pk"))
    missing = sorted(set(names) - stored.keys())
    if missing:
        DatasetAlias.objects.bulk_create([DatasetAlias(name=name) for name in missing], ignore_conflicts=True)
        stored |= dict(DatasetAlias.objects.filter(name__in=missing).values_list("name", "pk"))
    return stored


def _schedule_references(
    conditions: Mapping[str, BaseDataset], datasets: Mapping[str, int], known: Collection[str]
) -> bool:
    wanted = {
        (dag_id, datasets[uri]) for dag_id, condition in conditions.items() for uri, _ in condition.iter_datasets()
    }
    query = DagDatasetReference.objects.filter(dag_id__in=known)
    stored = {(reference.dag_id, reference.dataset_id): reference.pk for reference in query}
    gone = [pk for key, pk in stored.items() if key not in wanted]
    if gone:
        DagDatasetReference.objects.filter(pk__in=gone).delete()
    DagDatasetReference.objects.bulk_create(
        [DagDatasetReference(dag_id=dag_id, dataset_id=pk) for dag_id, pk in sorted(wanted - stored.keys())]
    )
    return bool(gone)


def _alias_references(conditions: Mapping[str, BaseDataset], names: Mapping[str, int], known: Collection[str]) -> None:
    wanted = {
        (dag_id, names[alias.name])
        for dag_id, condition in conditions.items()
        for alias in condition.iter_dataset_aliases()
    }
    query = DagDatasetAliasReference.objects.filter(dag_id__in=known)
    stored = {(reference.dag_id, reference.alias_id): reference.pk for reference in query}
    if gone := [pk for key, pk in stored.items() if key not in wanted]:
        DagDatasetAliasReference.objects.filter(pk__in=gone).delete()
    DagDatasetAliasReference.objects.bulk_create(
        [DagDatasetAliasReference(dag_id=dag_id, alias_id=pk) for dag_id, pk in sorted(wanted - stored.keys())]
    )


def _outlet_references(
    outlets: list[tuple[str, str, Any]], datasets: Mapping[str, int], known: Collection[str]
) -> bool:
    wanted = {
        (dag_id, task_id, datasets[outlet["uri"]])
        for dag_id, task_id, outlet in outlets
        if outlet.get("type") == "dataset"
    }
    query = TaskOutletReference.objects.filter(dag_id__in=known)
    stored = {(reference.dag_id, reference.task_id, reference.dataset_id): reference.pk for reference in query}
    gone = [pk for key, pk in stored.items() if key not in wanted]
    if gone:
        TaskOutletReference.objects.filter(pk__in=gone).delete()
    TaskOutletReference.objects.bulk_create(
        [
            TaskOutletReference(dag_id=dag_id, task_id=task_id, dataset_id=pk)
            for dag_id, task_id, pk in sorted(wanted - stored.keys())
        ]
    )
    return bool(gone)
