"""Two DAGs, of which a restricted caller may know one; everything of the other holds a canary.

``d1`` and ``d2`` lie in files of their own, ``d3a`` and ``d3b`` share one. d2 has a run, a task instance, an XCom, a
note, a warning, an import error, a dataset event and rows in the audit log.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.apps import apps

from orchestration import models
from orchestration.states import DagRunState, TaskInstanceState
from tests.factories import (
    DagImportErrorFactory,
    DagOwnerLinkFactory,
    DagSourceFactory,
    DagTagFactory,
    DagWarningFactory,
    DatasetEventFactory,
    DatasetFactory,
    DatasetQueuedEventFactory,
    EventLogFactory,
    TaskInstanceHistoryFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
)

CANARY = "d2CANARY"
RUN, TASK = "r", "t"
#: What is left out of a comparison of rows: it tells of calls, not of DAGs.
_NOT_COMPARED = frozenset({"orchestration.user", "orchestration.eventlog", "orchestration.personalaccesstoken"})


class World:
    """The rows, and what of them must not be told."""

    def __init__(self) -> None:
        self.d1 = self._dag("d1", "plain")
        self.d2 = self._dag("d2", CANARY)
        for dag_id in ("d3a", "d3b"):
            make_dag(
                serialized(TASK, dag_id=dag_id, fileloc="/dags/d3.py"), source=DagSourceFactory(fileloc="/dags/d3.py")
            )
        DagImportErrorFactory(filename="/dags/d3.py", stack_trace="shared d3 trace")

    def _dag(self, dag_id: str, word: str) -> models.Dag:
        source = DagSourceFactory(
            fileloc=f"/dags/{dag_id}.py", digest=hashlib.sha256(dag_id.encode()).hexdigest(), text=f"# {word}\n"
        )
        tasks = {TASK: {"doc_md": word}}
        dag = make_dag(
            serialized(TASK, dag_id=dag_id, tasks=tasks),
            description=word,
            source=source,
            owners=word,
            timetable_description=word,
        )
        DagTagFactory(dag=dag, name=word)
        DagOwnerLinkFactory(dag=dag, owner=word)
        DagWarningFactory(dag=dag, message=word)
        DagImportErrorFactory(filename=f"/dags/{dag_id}.py", stack_trace=word)
        run = make_run(
            dag, {TASK: TaskInstanceState.SUCCESS}, run_id=RUN, state=DagRunState.SUCCESS, note=word, conf={"k": word}
        )
        instance = run.task_instances.get()
        instance.note = word
        instance.save()
        TaskInstanceHistoryFactory(task_instance=instance)
        XComFactory(task_instance=instance, value=word)
        dataset = DatasetFactory(uri=f"s3://{word}")
        models.DagDatasetReference.objects.create(dag=dag, dataset=dataset)
        models.TaskOutletReference.objects.create(dag=dag, task_id=TASK, dataset=dataset)
        event = DatasetEventFactory(dataset=dataset, source_dag_id=dag_id, source_task_id=TASK, source_run_id=RUN)
        event.created_dag_runs.add(run)
        DatasetQueuedEventFactory(dataset=dataset, dag=dag)
        EventLogFactory(dag_id=dag_id, run_id=RUN, task_id=TASK, extra=f'{{"x": "{word}"}}')
        return dag

    def assert_untold(self, content: bytes, *, asked: str = "") -> None:
        """No trace of d2 in an answer, but for what the caller named."""
        text = content.decode()
        if asked:
            text = text.replace(asked, "")
        assert CANARY not in text, text
        assert '"d2"' not in text, text
        assert "/dags/d2.py" not in text, text

    def rows(self) -> list[Any]:
        """All rows of DAGs, runs and datasets, to compare before and after."""
        return [
            (model._meta.label, list(model._default_manager.order_by("pk").values()))
            for model in apps.get_app_config("orchestration").get_models()
            if model._meta.managed and model._meta.label_lower not in _NOT_COMPARED
        ]
