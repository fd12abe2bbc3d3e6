"""Versions of a DAG for runs of a backfill that leave out tasks, or whose tasks do not look at the run before."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection
from typing import Any, cast

from django.db import transaction

from orchestration.errors import Invalid
from orchestration.models.dag import Dag, DagVersion
from orchestration.serialization.decode import decode_dag

_EDGES = ("upstream_task_ids", "downstream_task_ids")


@transaction.atomic
def version_of(dag: Dag, *, only: Collection[str] | None = None, looks_back: bool = True) -> DagVersion:
    """The present version with only these tasks (None: all), and without ``depends_on_past`` where they look not back.

    It is stored beside the DAG's own versions, and found again when it is asked for again; the DAG's present one stays.
    Raises Invalid where the tasks cannot do without those that are left out.
    """
    assert dag.current_version_id is not None, "the DAG was never parsed well"
    present = DagVersion.objects.select_related("source").get(pk=dag.current_version_id)
    document = copy.deepcopy(cast(dict[str, Any], present.document))
    if only is not None:
        _leave_out(document, only)
    if not looks_back:
        for task in document["tasks"]:
            task.update(depends_on_past=False, wait_for_downstream=False)
    try:
        decode_dag(document)
    except ValueError as error:
        raise Invalid(f"These tasks of {dag.dag_id} cannot run alone: {error}") from None
    digest = hashlib.sha256(f"partial {json.dumps(document, sort_keys=True)}".encode()).hexdigest()
    found = DagVersion.objects.filter(dag=dag, digest=digest).first()
    if found is not None:
        return found
    numbers = DagVersion.objects.filter(dag=dag).order_by("-number").values_list("number", flat=True)
    return DagVersion.objects.create(
        dag=dag, number=(numbers.first() or 0) + 1, digest=digest, document=document, source=present.source
    )


def _leave_out(document: dict[str, Any], only: Collection[str]) -> None:
    document["tasks"] = [task for task in document["tasks"] if task["task_id"] in only]
    for thing in (*document["tasks"], *document["groups"]):
        for name in _EDGES:
            if name in thing:
                thing[name] = [task_id for task_id in thing[name] if task_id in only]
    for group in document["groups"]:
        group["children"] = [
            [kind, name] for kind, name in group.get("children", ()) if kind == "group" or name in only
        ]
