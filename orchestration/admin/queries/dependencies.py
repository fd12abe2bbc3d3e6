"""What DAGs have to do with one another: triggers, sensors and datasets between them."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, Final

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable
from orchestration.models import Dag, DagDatasetReference, TaskOutletReference, versions

#: Nodes of one graph.
MOST: Final = 600
#: What stands between two DAGs: kind, task, other DAG.
Link = tuple[str, str, str]
_KINDS: Final = frozenset({"trigger", "sensor"})
#: Links of decoded versions, kept apart from the versions: they are small and all of them are asked for at once.
_kept: dict[int, tuple[datetime, tuple[Link, ...]]] = {}
_MOST_KEPT: Final = 20_000
_lock = threading.Lock()


def graph(user: Caller, *, dag_id: str = "", shows_alone: bool = False) -> dict[str, Any]:
    """``nodes`` (id, label, kind: dag, trigger, sensor or dataset, key) and ``edges`` between readable DAGs.

    ``dag_id``: only what hangs together with that DAG. ``shows_alone``: DAGs without any link, too. Four queries, one
    more where a version has changed since it was last looked at.
    """
    names = dict(readable(Dag.objects.active(), user).order_by("pk").values_list("pk", "dag_display_name"))
    nodes: dict[str, dict[str, Any]] = {}
    edges: dict[tuple[str, str], dict[str, str]] = {}

    def dag(name: str) -> str:
        label = names.get(name) or name
        nodes.setdefault(f"dag:{name}", {"id": f"dag:{name}", "label": label, "kind": "dag", "key": name})
        return f"dag:{name}"

    def dataset(pk: int, uri: str) -> str:
        nodes.setdefault(f"dataset:{pk}", {"id": f"dataset:{pk}", "label": uri, "kind": "dataset", "key": pk})
        return f"dataset:{pk}"

    def edge(source: str, target: str) -> None:
        edges[source, target] = {"source": source, "target": target, "label": ""}

    for here, links in _links(user).items():
        for kind, task_id, there in links:
            if there not in names:
                continue  # not there, or not readable
            node = f"{kind}:{here}:{task_id}"
            nodes[node] = {"id": node, "label": task_id, "kind": kind, "key": here}
            before, after = (here, there) if kind == "trigger" else (there, here)
            edge(dag(before), node)
            edge(node, dag(after))
    writes = readable(TaskOutletReference.objects.filter(dag__is_active=True), user)
    waits = readable(DagDatasetReference.objects.filter(dag__is_active=True), user)
    for name, pk, uri in writes.order_by("pk").values_list("dag_id", "dataset_id", "dataset__uri"):
        edge(dag(name), dataset(pk, uri))
    for name, pk, uri in waits.order_by("pk").values_list("dag_id", "dataset_id", "dataset__uri"):
        edge(dataset(pk, uri), dag(name))
    if shows_alone:
        for name in names:
            dag(name)
    chosen = _together(f"dag:{dag_id}", edges) if dag_id in names else set(nodes)
    if dag_id in names:
        dag(dag_id)
    kept = [node for key, node in nodes.items() if key in chosen][:MOST]
    known = {node["id"] for node in kept}
    return {
        "nodes": kept,
        "edges": [each for each in edges.values() if each["source"] in known and each["target"] in known],
        "is_cut": len(kept) < len(chosen & nodes.keys()),
    }


def _links(user: Caller) -> dict[str, tuple[Link, ...]]:
    rows = readable(Dag.objects.active().filter(current_version__isnull=False), user).order_by("pk")
    current = list(rows.values_list("pk", "current_version_id", "current_version__updated_at"))
    with _lock:
        known = {pk: _kept.get(pk) for _, pk, _ in current}
    missing = {pk: at for _, pk, at in current if (entry := known[pk]) is None or entry[0] != at}
    found = {pk: _links_of(shape) for pk, shape in versions.load(missing).items()} if missing else {}
    with _lock:
        if len(_kept) + len(found) > _MOST_KEPT:
            _kept.clear()
        _kept.update((pk, (missing[pk], links)) for pk, links in found.items())
    return {
        dag_id: found[pk] if pk in found else entry[1] if (entry := known[pk]) is not None else ()
        for dag_id, pk, _ in current
    }


def _links_of(shape: Any) -> tuple[Link, ...]:
    return tuple(
        (str(other["kind"]), task.task_id, str(other["dag_id"]))
        for task in shape.tasks.values()
        if (other := task.external_dag) and other.get("kind") in _KINDS
    )


def _together(start: str, edges: dict[tuple[str, str], Any]) -> set[str]:
    """All nodes that one comes to from ``start``, along or against the edges."""
    beside: dict[str, set[str]] = {}
    for source, target in edges:
        beside.setdefault(source, set()).add(target)
        beside.setdefault(target, set()).add(source)
    found, todo = {start}, [start]
    while todo:
        fresh = beside.get(todo.pop(), set()) - found
        found |= fresh
        todo += fresh
    return found
