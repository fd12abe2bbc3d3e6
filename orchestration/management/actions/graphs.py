"""``dags show``, ``show-dependencies``: graphs in the DOT language, and as pictures where Graphviz is."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from orchestration.errors import Invalid, Unavailable
from orchestration.management.actions.dags import find
from orchestration.management.cli.files import unwritable
from orchestration.models import Dag, DagDatasetReference, DagRun, TaskOutletReference, versions
from orchestration.serialization.values import SerializedDag

#: Suffixes that need no Graphviz.
_DOT = frozenset({"dot", "gv"})
#: Fill of a task by its state, as the reference draws it.
_STATE_COLOURS = {
    "success": "green", "running": "lime", "failed": "red", "skipped": "hotpink", "upstream_failed": "orange",
    "queued": "gray", "scheduled": "tan", "up_for_retry": "gold", "up_for_reschedule": "turquoise",
    "deferred": "mediumpurple", "removed": "lightgrey", "restarting": "violet", "": "lightblue",
}  # fmt: skip


def show(args: argparse.Namespace) -> None:
    """The tasks of a DAG and their order."""
    refuse_undeliverable(save=args.save, imgcat=args.imgcat)
    dag = versions.current(find(args.dag_id).dag_id)
    deliver("\n".join(_dag_lines(dag)) + "\n", save=args.save, imgcat=args.imgcat)


def of_run(dag: SerializedDag, run: DagRun) -> str:
    """A run's tasks, coloured by their states."""
    states = dict(run.task_instances.order_by("map_index").values_list("task_id", "state"))
    return "\n".join(_dag_lines(dag, states)) + "\n"


def _dag_lines(dag: SerializedDag, states: Mapping[str, str] | None = None) -> Iterator[str]:
    yield f"digraph {_quoted(dag.dag_id)} {{"
    yield f"\tgraph [label={_quoted(dag.dag_id)} labelloc=t rankdir={dag.orientation}]"
    yield from _group_lines(dag, None, states, 1)
    for task in dag.tasks.values():
        for below in sorted(task.downstream_task_ids):
            label = dag.edge_info.get(task.task_id, {}).get(below, {}).get("label")
            extra = f" [label={_quoted(label)}]" if label else ""
            yield f"\t{_quoted(task.task_id)} -> {_quoted(below)}{extra}"
    yield "}"


def _group_lines(
    dag: SerializedDag, group_id: str | None, states: Mapping[str, str] | None, level: int
) -> Iterator[str]:
    tab = "\t" * level
    for kind, name in dag.groups[group_id].children:
        if kind == "group":
            yield f"{tab}subgraph {_quoted(f'cluster_{name}')} {{"
            yield f"{tab}\tgraph [label={_quoted(dag.groups[name].label or name)}]"
            yield from _group_lines(dag, name, states, level + 1)
            yield f"{tab}}}"
        else:
            task = dag.tasks[name]
            fill = task.ui_color if states is None else _STATE_COLOURS.get(states.get(name, ""), "white")
            yield (
                f"{tab}{_quoted(name)} [label={_quoted(task.label)} color={_quoted(task.ui_fgcolor)} "
                f'fillcolor={_quoted(fill)} shape=rectangle style="filled,rounded"]'
            )


def show_dependencies(args: argparse.Namespace) -> None:
    """Which DAGs trigger, wait for and feed which: through operators, sensors and datasets."""
    refuse_undeliverable(save=args.save, imgcat=args.imgcat)
    deliver("\n".join(_dependency_lines()) + "\n", save=args.save, imgcat=args.imgcat)


def _dependency_lines() -> Iterator[str]:
    nodes: dict[str, str] = {}
    edges: dict[tuple[str, str], None] = {}

    def edge(*path: tuple[str, str, str]) -> None:
        for name, label, style in path:
            nodes[name] = f"[label={_quoted(label)} {style}]"
        for (before, *_), (after, *_) in pairwise(path):
            edges[before, after] = None

    dag_style = 'shape=rectangle style="filled,rounded" fillcolor=dodgerblue fontcolor=white'
    boxes = {"trigger": "gold", "sensor": "olive"}
    between = {kind: f"shape=rectangle style=filled fillcolor={colour}" for kind, colour in boxes.items()}
    known = Dag.objects.active().filter(current_version__isnull=False).order_by("pk")
    for dag_id in known.values_list("pk", flat=True):
        for task in versions.current(dag_id).tasks.values():
            other = task.external_dag
            if not other or other.get("kind") not in between:
                continue
            here, there = (f"dag:{dag_id}", dag_id, dag_style), (f"dag:{other['dag_id']}", other["dag_id"], dag_style)
            node = (f"{other['kind']}:{dag_id}:{task.task_id}", task.task_id, between[other["kind"]])
            edge(*((here, node, there) if other["kind"] == "trigger" else (there, node, here)))
    data_style = "shape=folder style=filled fillcolor=lightgrey"
    for dag_id, uri in TaskOutletReference.objects.order_by("pk").values_list("dag_id", "dataset__uri"):
        edge((f"dag:{dag_id}", dag_id, dag_style), (f"dataset:{uri}", uri, data_style))
    for dag_id, uri in DagDatasetReference.objects.order_by("pk").values_list("dag_id", "dataset__uri"):
        edge((f"dataset:{uri}", uri, data_style), (f"dag:{dag_id}", dag_id, dag_style))
    yield "digraph {"
    yield "\tgraph [rankdir=LR]"
    yield from (f"\t{_quoted(name)} {style}" for name, style in nodes.items())
    yield from (f"\t{_quoted(before)} -> {_quoted(after)}" for before, after in edges)
    yield "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def refuse_undeliverable(*, save: str | None, imgcat: bool, names: tuple[str, str] = ("--save", "--imgcat")) -> None:
    """Raise Invalid or Unavailable for what cannot be delivered, before work is done; ``names`` are the options'."""
    if save and imgcat:
        raise Invalid(f"Give {names[0]} or {names[1]}, not both.")
    if imgcat and shutil.which("imgcat") is None:
        raise Unavailable(f"There is no program imgcat on the PATH. Use {names[0]}.")
    if save:
        kind = _kind(save)
        if not kind:
            raise Invalid(f"The suffix of {save[:200]} must say the form: .dot, .png, .svg, .pdf …")
        if not os.path.isdir(Path(save).absolute().parent):  # noqa: PTH112 Path.is_dir raises for names that are too long
            raise Invalid(f"{save[:200]} cannot be written: there is no such folder. Make it first.")
    if imgcat or (save and _kind(save) not in _DOT):
        _graphviz()


def deliver(dot: str, *, save: str | None = None, imgcat: bool = False, shows: bool | None = None) -> None:
    """Write the graph to a file, show it in the terminal, or print it (``shows`` None: unless the others are asked).

    What ``refuse_undeliverable`` let pass. Raises Invalid for a file that cannot be written or drawn.
    """
    if save:
        data = dot.encode() if _kind(save) in _DOT else _picture(dot, _kind(save))
        try:
            Path(save).write_bytes(data)
        except (OSError, ValueError) as error:
            raise unwritable(save, error) from None
        print(f"File {save} saved")
    if imgcat:
        subprocess.run(["imgcat"], input=_picture(dot, "png"), check=False)
    if shows or (shows is None and not (save or imgcat)):
        print(dot, end="")


def _kind(save: str) -> str:
    return Path(save).suffix.lstrip(".").lower()


def _graphviz() -> str:
    program = shutil.which("dot")
    if program is None:
        raise Unavailable("Pictures need Graphviz (apt-get install graphviz). Or save as .dot.")
    return program


def _picture(dot: str, kind: str) -> bytes:
    done = subprocess.run([_graphviz(), f"-T{kind}"], input=dot.encode(), capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        raise Invalid(f"Graphviz cannot draw that: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
