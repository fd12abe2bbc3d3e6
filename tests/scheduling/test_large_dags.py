"""DAGs of ten thousand tasks: what parsing them, a pass over them and a page of them cost: RELIABILITY F38.

Processor time is measured and not the clock's: others may be at work on the machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestration.authoring.dag import DAG
from orchestration.authoring.operators.python import PythonOperator
from orchestration.models import DagRun
from orchestration.scheduling.loop import SchedulerLoop
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from orchestration.serialization.values import Expansion, XComLength
from tests.api_v1.conftest import Api, path_of
from tests.factories import PoolFactory, XComFactory, make_dag, make_run, serialized
from tests.live import LiveSystem
from tests.people import forget_credentials, one_of_each_role
from tests.scheduling.fakes import FakeExecutor

pytestmark = pytest.mark.timeout(400)

#: The most seconds of a processor, and megabytes.
PARSE, PASS, PAGE, MEMORY = 30.0, 5.0, 1.0, 1000
PASSES = 3

#: The tasks of each shape in layers: each task comes after all of the layer before.
SHAPES = {
    "chain": "[[f't{n}'] for n in range(10_000)]",
    "wide": "[['first'], [f't{n}' for n in range(9_998)], ['last']]",
    "square": "[[f't{layer}_{n}' for n in range(100)] for layer in range(100)]",
}
FILE = """
from datetime import datetime, timezone
from itertools import pairwise
from airflow import DAG
from airflow.operators.python import PythonOperator

with DAG("square", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule=None):
    layers = [[PythonOperator(task_id=task_id, python_callable=print) for task_id in layer] for layer in LAYERS]
    for before, after in pairwise(layers):
        for task in before:
            task >> after
"""


@pytest.mark.processes
@pytest.mark.skipif(connection.vendor != "sqlite", reason="no matter of the database: runs with SQLite")
def test_f38_a_file_of_a_million_edges_is_parsed_in_time_and_in_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "square.py").write_text(FILE.replace("LAYERS", SHAPES["square"]))
    # The clock's limits are far here: it is the processor's time that is to be small.
    options = {("core", "dagbag_import_timeout"): 300, ("core", "dag_file_processor_timeout"): 300}
    with LiveSystem(dags=tmp_path, options=options, parts=()) as system:
        system.manage("db", "migrate")
        process = system.start("dag_processor", "--num-runs", "1")
        _, status, used = os.wait4(process.pid, 0)  # with all that it waited for: the parsers
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        assert "square.py: 1 DAGs" in system.log.read_text()
    assert used.ru_utime + used.ru_stime < PARSE
    assert used.ru_maxrss / 1024 < MEMORY


class Timed(SchedulerLoop):
    """Notes the processor's time of each pass."""

    def __init__(self, executor: FakeExecutor) -> None:
        super().__init__(executor, num_runs=PASSES)
        self.seconds: list[float] = []

    def _turn(self) -> None:
        began = time.process_time()
        super()._turn()
        self.seconds.append(time.process_time() - began)


def authored(shape: str) -> DagRun:
    """A queued run of the shape, which is parsed here."""
    began = time.process_time()
    with DAG(shape, start_date=datetime(2024, 1, 1, tzinfo=UTC), schedule=None, max_active_tasks=32) as dag:
        layers = eval(SHAPES[shape])
        made = [[PythonOperator(task_id=task_id, python_callable=print) for task_id in layer] for layer in layers]
        for before, after in pairwise(made):
            for task in before:
                task.set_downstream(after)
    document = encode_dag(dag)
    assert time.process_time() - began < PARSE
    return make_run(make_dag(decode_dag(document)), state="queued")


def mapped(length: int = 1000) -> DagRun:
    over = Expansion("product", {"x": XComLength("a", "return_value")})
    graph = serialized("a >> m >> z", dag_id="mapped", max_active_tasks=32, tasks={"m": {"expansion": over}})
    run = make_run(make_dag(graph), {"a": "success"}, state="queued")
    XComFactory.create(task_instance=run.task_instances.get(task_id="a"), value=list(range(length)))
    return run


CASES: dict[str, tuple[Callable[[], DagRun], int]] = {
    **{shape: (lambda shape=shape: authored(shape), 10_000) for shape in SHAPES},
    "mapped": (mapped, 1002),
}
if (
    connection.vendor == "postgresql"
):  # what is special there is shown by the one with the most edges, and by the mapped
    del CASES["chain"], CASES["wide"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CASES)
def test_f38_a_pass_and_a_page_of_a_large_run_take_little_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "0")
    PoolFactory.create(name="default_pool", slots=128)
    make, total = CASES[name]
    run = make()
    loop = Timed(FakeExecutor())
    loop.run()
    assert loop.passes == PASSES
    assert max(loop.seconds) < PASS, loop.seconds
    run.refresh_from_db()
    assert run.state == "running"
    assert run.task_instances.count() == total
    assert run.task_instances.filter(state="success").count() > 1

    forget_credentials()
    one_of_each_role()
    api, small = Api(), make_run(make_dag("a"))
    api.get("/dags")  # what is made at the first request, such as a verified password
    counts = []
    for each, offset in (small, 0), (run, 0), (run, total - 100):
        with CaptureQueriesContext(connection) as queries:
            began = time.process_time()
            page = api.get(f"{path_of(each)}/taskInstances", limit=100, offset=offset)
            seconds = time.process_time() - began
        assert page.status == 200
        assert len(page.json["task_instances"]) == min(100, each.task_instances.count())
        assert seconds < PAGE
        counts.append(len(queries))
    assert max(counts) == counts[0], "a page of many costs no more queries than one of few"
    forget_credentials()
