"""Task instances: list, get, mark, clear, note."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api_v1.filters.task_instances import (
    MappedListParameters,
    TaskInstanceListParameters,
    TriesParameters,
    mapped_order,
    narrow,
)
from api_v1.operations import Operation
from api_v1.pagination import Page, by_id, unbounded_page
from api_v1.problems import Problem, not_found
from api_v1.serializers.task_instances import (
    EARLIER_TRY,
    TRY,
    BatchBody,
    ClearBody,
    DependencyCollection,
    InstanceStateBody,
    MappableNoteBody,
    MessageAnswer,
    ReferenceAnswer,
    ReferenceCollection,
    StatesBody,
    TaskInstanceAnswer,
    TaskInstanceCollection,
    TryAnswer,
    TryCollection,
    instance_page,
    instance_rows,
    reference,
    references,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import ANY_DAG, editable_dag_ids, readable_dag_ids
from orchestration.errors import NotFound
from orchestration.models import DagRun, TaskInstance, TaskInstanceHistory, versions
from orchestration.models.task_instance import TaskInstanceQuerySet
from orchestration.scheduling.unmet import unmet
from orchestration.serialization.values import SerializedDag
from orchestration.services import task_instances
from orchestration.states import TaskInstanceState

NOT_MAPPED = -1
#: The parameters of a list that leave no instance out.
_UNFILTERED = frozenset({"limit", "offset"})
_HINT = "Task instance is mapped, add the map_index value to the URL"


def serialized_or(dag_id: str, problem: Problem) -> SerializedDag:
    """The DAG as its file defines it now, or else ``problem`` is raised."""
    try:
        return versions.current(dag_id)
    except NotFound:
        raise problem from None


def _of_a_dag(dag_id: str) -> TaskInstanceQuerySet:
    return TaskInstance.objects.filter(dag_id=dag_id)


def _of_a_run(dag_id: str, run_id: str) -> TaskInstanceQuerySet:
    return TaskInstance.objects.filter(run__dag_id=dag_id, run__run_id=run_id)


class TaskInstanceViewSet(OperationViewSet):
    """Task instances."""

    operations = (
        Operation(
            "get_task_instances",
            "list",
            TaskInstanceListParameters,
            answer=TaskInstanceCollection,
            summary="List task instances",
        ),
        Operation(
            "get_task_instances_batch",
            "batch",
            body=BatchBody,
            answer=TaskInstanceCollection,
            codes=(404,),
            summary="List task instances (batch)",
        ),
        Operation("get_task_instance", "get", answer=TaskInstanceAnswer, codes=(404,), summary="Get a task instance"),
        Operation(
            "get_mapped_task_instance",
            "get",
            answer=TaskInstanceAnswer,
            codes=(404,),
            summary="Get a mapped task instance",
        ),
        Operation(
            "get_mapped_task_instances",
            "list_mapped",
            MappedListParameters,
            answer=TaskInstanceCollection,
            codes=(404,),
            summary="List mapped task instances",
        ),
        Operation(
            "patch_task_instance",
            "patch",
            body=InstanceStateBody,
            answer=ReferenceAnswer,
            codes=(404,),
            event="patch_task_instance",
            summary="Mark a task instance",
        ),
        Operation(
            "patch_mapped_task_instance",
            "patch",
            body=InstanceStateBody,
            answer=ReferenceAnswer,
            codes=(404,),
            event="patch_mapped_task_instance",
            summary="Mark an instance of a mapped task",
        ),
        Operation(
            "set_task_instance_note",
            "set_note",
            body=MappableNoteBody,
            answer=TaskInstanceAnswer,
            codes=(404,),
            event="set_task_instance_note",
            summary="Update the note of a task instance",
        ),
        Operation(
            "set_mapped_task_instance_note",
            "set_note",
            body=MappableNoteBody,
            answer=TaskInstanceAnswer,
            codes=(404,),
            event="set_task_instance_note",
            summary="Update the note of a mapped task instance",
        ),
        Operation(
            "get_task_instance_dependencies",
            "dependencies",
            answer=DependencyCollection,
            codes=(404,),
            summary="Get why a task instance does not run",
        ),
        Operation(
            "get_mapped_task_instance_dependencies",
            "dependencies",
            answer=DependencyCollection,
            codes=(404,),
            summary="Get why a mapped task instance does not run",
        ),
        Operation(
            "get_task_instance_tries",
            "tries",
            TriesParameters,
            answer=TryCollection,
            codes=(404,),
            summary="List the tries of a task instance",
        ),
        Operation(
            "get_mapped_task_instance_tries",
            "tries",
            TriesParameters,
            answer=TryCollection,
            codes=(404,),
            summary="List the tries of a mapped task instance",
        ),
        Operation(
            "get_task_instance_try_details",
            "try_details",
            answer=TryAnswer,
            codes=(404,),
            summary="Get one try of a task instance",
        ),
        Operation(
            "get_mapped_task_instance_try_details",
            "try_details",
            answer=TryAnswer,
            codes=(404,),
            summary="Get one try of a mapped task instance",
        ),
        Operation(
            "post_clear_task_instances",
            "clear",
            body=ClearBody,
            answer=ReferenceCollection,
            codes=(404,),
            event="post_clear_task_instances",
            summary="Clear task instances",
        ),
        Operation(
            "post_set_task_instances_state",
            "set_states",
            body=StatesBody,
            answer=ReferenceCollection,
            codes=(404,),
            event="post_set_task_instances_state",
            summary="Set the state of task instances",
        ),
        Operation(
            "clear_task_instance",
            "clear_one",
            answer=MessageAnswer,
            codes=(404,),
            event="clear_task_instance",
            summary="Clear one task of a run",
        ),
        Operation(
            "run_task_instance",
            "run_one",
            answer=MessageAnswer,
            codes=(404, 409),
            event="run_task_instance",
            summary="Run one task of a run again",
        ),
    )

    # ------------------------------------------------------------ reading

    def list(self) -> Any:
        """Task instances of a run; ``~`` is every DAG the caller may read, or every run."""
        here = unbounded_page(self.query)
        if self.query.keys() <= _UNFILTERED and here.limit and (named := self._by_names()) is not None:
            name, find, texts = named
            total = self.count_named((name, texts), lambda: find(*texts))
            rows = instance_page(name, lambda *marks: find(*marks).order_by("id"), texts, here)
            return self.paged({"task_instances": rows, "total_entries": total}, here, total)
        found = TaskInstanceListParameters.apply(self._of_run(), self.query)
        return self._page_of(found, here)

    def _by_names(self) -> tuple[str, Callable[..., TaskInstanceQuerySet], tuple[str, ...]] | None:
        """What the path says, as a name for it, a query by names, and the names; None where the caller's rights say."""
        dag_id, run_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"]
        if dag_id == ANY_DAG:
            is_everything = run_id == ANY_DAG and readable_dag_ids(self.caller) is None
            return ("all instances", TaskInstance.objects.all, ()) if is_everything else None
        if run_id == ANY_DAG:
            return "instances of a DAG", _of_a_dag, (dag_id,)
        return "instances of a run", _of_a_run, (dag_id, run_id)

    def _of_run(self) -> TaskInstanceQuerySet:
        dag_id, run_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"]
        found = TaskInstance.objects.all()
        if run_id != ANY_DAG:
            found = found.filter(run__run_id=run_id)
            if dag_id != ANY_DAG:
                return found.filter(run__dag_id=dag_id)
        if dag_id != ANY_DAG:
            return found.filter(dag_id=dag_id)
        readable = readable_dag_ids(self.caller)
        return found if readable is None else found.filter(dag_id__in=readable)

    def _page_of(self, found: TaskInstanceQuerySet, here: Page, order: Any = None) -> Any:
        total = self.count(found)
        ordered = found.order_by(*order) if order else by_id(found, total)
        rows = instance_rows(here.of(ordered)) if here.limit else []
        return self.paged({"task_instances": rows, "total_entries": total}, here, total)

    def batch(self) -> Any:
        """Task instances of several DAGs. A DAG that the caller may not read refuses the whole call."""
        form = self.load()
        readable = readable_dag_ids(self.caller)
        found = TaskInstance.objects.all()
        if form.get("dag_ids"):
            if readable is not None and not readable.issuperset(form["dag_ids"]):
                raise Problem(403, f"You may not read all of these DAGs: {form['dag_ids']}")
            found = found.filter(dag_id__in=form["dag_ids"])
        elif readable is not None:
            found = found.filter(dag_id__in=readable)
        here = unbounded_page(form, limit="page_limit", offset="page_offset")
        return self._page_of(narrow(found, form), here)

    def list_mapped(self) -> Any:
        """The instances of a mapped task in a run."""
        here = unbounded_page(self.query)
        dag_id, task_id = self.kwargs["dag_id"], self.kwargs["task_id"]
        base = self._of_run().filter(task_id=task_id, map_index__gte=0)
        if not base.exists():
            dag = serialized_or(dag_id, not_found(f"DAG {dag_id} not found"))
            if task_id not in dag.tasks:
                raise not_found(f"Task id {task_id} not found")
            if not dag.is_multiplied(task_id):
                raise not_found(f"Task id {task_id} is not mapped")
        order = mapped_order(self.query.get("order_by"))
        return self._page_of(MappedListParameters.apply(base, self.query), here, order)

    def get(self) -> Any:
        """One task instance; that of a mapped task needs its index."""
        found = instance_rows(self._instances()[:1])
        if not found:
            raise not_found("Task instance not found", self._hint())
        return found[0]

    def _instances(self) -> TaskInstanceQuerySet:
        """The instance that the path names."""
        index = int(self.kwargs.get("map_index", NOT_MAPPED))
        if index >= 2**31:
            return TaskInstance.objects.none()
        return self._of_task().filter(map_index=index)

    def _of_task(self) -> TaskInstanceQuerySet:
        return TaskInstance.objects.filter(
            run__dag_id=self.kwargs["dag_id"], run__run_id=self.kwargs["dag_run_id"], task_id=self.kwargs["task_id"]
        )

    def _hint(self) -> str | None:
        """What to do where the path has no index and the task is mapped."""
        return _HINT if "map_index" not in self.kwargs and self._of_task().exists() else None

    def _instance(self, problem: Problem) -> TaskInstance:
        instance = self._instances().select_related("run").first()
        if instance is None:
            raise problem
        return instance

    def dependencies(self) -> Any:
        """Why the instance does not run, as the scheduler would say; empty once it is on its way."""
        return {"dependencies": [each._asdict() for each in unmet(self._instance(self._missing()))]}

    def _missing(self) -> Problem:
        names = self.kwargs
        return not_found(
            f"Task Instance not found for dag_id={names['dag_id']}, run_id={names['dag_run_id']}, "
            f"task_id={names['task_id']}"
        )

    def tries(self) -> Any:
        """All tries of an instance, the present one last."""
        present = self._instances().exclude(state=TaskInstanceState.UP_FOR_RETRY)
        rows = EARLIER_TRY.rows(self._earlier().order_by("try_number", "id")) + TRY.rows(present)
        return {"task_instances": rows, "total_entries": len(rows)}

    def _earlier(self) -> Any:
        return TaskInstanceHistory.objects.filter(task_instance__in=self._instances())

    def try_details(self) -> Any:
        """One try of an instance."""
        number = int(self.kwargs["task_try_number"])
        row = None
        if number < 2**31:
            row = TRY.one(self._instances().filter(try_number=number))
            row = row or EARLIER_TRY.one(self._earlier().filter(try_number=number))
        if row is None:
            names = self.kwargs
            raise not_found(
                "Task instance not found",
                f"Task Instance not found for dag_id={names['dag_id']}, run_id={names['dag_run_id']}, "
                f"task_id={names['task_id']}, map_index={names.get('map_index', NOT_MAPPED)}, try_number={number}.",
            )
        return row

    # ------------------------------------------------------------ verbs

    def set_note(self) -> Any:
        """Write the instance's note."""
        note = self.load()["note"]
        task_instances.set_note(self._instance(self._missing()), note, actor=self.caller)
        return instance_rows(self._instances())[0]

    def patch(self) -> Any:
        """Set the instance's state. A dry run (the default) answers which instance it is, otherwise ``{}``."""
        form = self.load()
        dag_id, run_id, task_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"], self.kwargs["task_id"]
        dag = serialized_or(dag_id, not_found("DAG not found", f"DAG {dag_id!r} not found"))
        if task_id not in dag.tasks:
            raise not_found("Task not found", f"Task {task_id!r} not found in DAG {dag_id!r}")
        message = f"Task instance not found for task {task_id!r} on DAG run with ID {run_id!r}"
        instance = self._instance(not_found(detail=message))
        if form["dry_run"]:
            return reference(instance)
        task_instances.set_state(
            dag,
            instance.run,
            task_id,
            TaskInstanceState(form["new_state"]),
            actor=self.caller,
            map_index=instance.map_index,
        )
        return {}

    def clear(self) -> Any:
        """Clear task instances of a DAG. A dry run (the default) answers which it would be.

        Markers and parents lead only to DAGs that the caller may edit.
        """
        form = self.load()
        dag_id, run_id = self.kwargs["dag_id"], form.pop("dag_run_id", None)
        dag = serialized_or(dag_id, not_found(f"Dag id {dag_id} not found"))
        run = None
        if run_id is not None:
            run = DagRun.objects.filter(dag_id=dag_id, run_id=run_id).first()
            if run is None:
                raise not_found(f"Dag Run id {run_id} not found in dag {dag_id}")
        others = editable_dag_ids(self.caller)
        return references(task_instances.clear(dag, actor=self.caller, run=run, others=others, **form))

    def set_states(self) -> Any:
        """Set the state of a task's instances and of others around it; a dry run (the default) only tells which."""
        form = self.load()
        dag_id, task_id = self.kwargs["dag_id"], form["task_id"]
        dag = serialized_or(dag_id, not_found(f"Dag ID {dag_id} not found"))
        if task_id not in dag.tasks:
            raise not_found(f"Task ID {task_id} not found")
        changed = task_instances.set_state(
            dag,
            self._run_of(form, dag_id, task_id),
            task_id,
            TaskInstanceState(form["new_state"]),
            actor=self.caller,
            upstream=form["include_upstream"],
            downstream=form["include_downstream"],
            future=form["include_future"],
            past=form["include_past"],
            dry_run=form["dry_run"],
        )
        return references(changed)

    @staticmethod
    def _run_of(form: dict[str, Any], dag_id: str, task_id: str) -> DagRun:
        """The run that a form names, if the task has an instance in it that is not mapped."""
        runs = DagRun.objects.filter(dag_id=dag_id)
        if moment := form.get("execution_date"):
            place = f"on execution_date {moment.isoformat(sep=' ')}"
            run = runs.filter(logical_date=moment).first()
        else:
            place = f"on DAG run with ID {form['dag_run_id']!r}"
            run = runs.filter(run_id=form["dag_run_id"]).first()
        if run is None or not run.task_instances.filter(task_id=task_id, map_index=NOT_MAPPED).exists():
            raise not_found(detail=f"Task instance not found for task {task_id!r} {place}")
        return run

    def clear_one(self) -> Any:
        """Clear a task of a run, all of its instances, so that it runs again when what it waits for is done."""
        task_instances.clear_one(self._all_of_task(), actor=self.caller)
        return {"message": "Task instance cleared successfully."}

    def run_one(self) -> Any:
        """Have a task of a run, all of its instances, run again as new tries."""
        task_instances.run(self._all_of_task(), actor=self.caller)
        return {"message": "Task instance triggered to run."}

    def _all_of_task(self) -> Any:
        instances = [*self._of_task().select_related("run").order_by("map_index")]
        if not instances:
            raise self._missing()
        return instances
