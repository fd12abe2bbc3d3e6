"""Whole runs in one process: ``dag.test()`` and the in-process executor."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from orchestration.authoring import alias
from orchestration.authoring.loading import load_dag_file
from orchestration.authoring.triggers.base import BaseTrigger, TriggerEvent
from orchestration.conf import conf
from orchestration.execution import dag_test
from orchestration.execution.executors import make
from orchestration.execution.executors.local import LocalExecutor
from orchestration.execution.executors.sequential import InProcessExecutor
from orchestration.execution.executors.several import SeveralExecutors
from orchestration.models import Dag, Trigger
from orchestration.states import TaskInstanceState as S
from tests.execution.conftest import HEADER, Bench

DAG = """
from airflow.triggers.temporal import TimeDeltaTrigger
with DAG("whole", schedule=None, start_date=START) as dag:
    @task
    def numbers():
        return [1, 2, 3]
    @task
    def double(x):
        return x * 2
    @task
    def total(xs):
        print("total", sum(xs))
        return sum(xs)
    pick = BranchPythonOperator(task_id="pick", python_callable=lambda: "left")
    total(double.expand(x=numbers())) >> pick >> [EmptyOperator(task_id="left"), EmptyOperator(task_id="right")]
    @task(retries=1, retry_delay=datetime.timedelta(seconds=0.2))
    def flaky(ti=None):
        if ti.try_number == 1:
            raise ValueError
    flaky()
    class Waits(BaseOperator):
        def execute(self, context):
            self.defer(trigger=TimeDeltaTrigger(datetime.timedelta(seconds=0.2)), method_name="go_on")
        def go_on(self, context, event):
            return Variable.get("given", default_var="none")
    Waits(task_id="waits")
"""

ASKS = """
from tests.execution.test_in_process import TellsStart
class Asks(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TellsStart(), method_name="go_on")
    def go_on(self, context, event):
        return event
with DAG("asks", schedule=None, start_date=START):
    Asks(task_id="asks")
"""


@pytest.fixture
def dag():
    alias.install()
    path = conf.path("core", "dags_folder") / "whole.py"
    path.write_text(HEADER + DAG)
    loaded = load_dag_file(str(path))
    assert not loaded.errors
    return loaded.dags["whole"]


@pytest.fixture
def bench_here(transactional_db):
    executor = InProcessExecutor()
    executor.start(0)
    return Bench(conf.path("core", "dags_folder"), executor)


@pytest.mark.django_db(transaction=True)
def test_a_whole_dag_runs_here_with_branches_maps_retries_and_triggers(dag, capsys, tmp_path):
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"given": "from the file"}))
    run = dag.test(execution_date=timezone.now(), variable_file_path=str(variables))
    states = {(ti.task_id, ti.map_index): (ti.state, ti.try_number) for ti in run.task_instances.all()}
    assert run.state == "success"
    assert states["right", -1][0] == S.SKIPPED
    assert states["flaky", -1] == (S.SUCCESS, 2)
    assert [states["double", index][0] for index in range(3)] == [S.SUCCESS] * 3
    waits = run.task_instances.get(task_id="waits").xcoms.get()
    assert waits.value == '"from the file"'
    assert "total 12" in capsys.readouterr().out
    row = Dag.objects.get()
    assert (row.is_paused, row.is_active) == (True, False)  # no scheduler takes its tasks
    assert not Trigger.objects.filter(task_instances__state=S.DEFERRED).exists()


class TellsStart(BaseTrigger):
    """Fires at once, with the start of the try that waits for it."""

    def serialize(self):
        return f"{__name__}.TellsStart", {}

    async def run(self):
        yield TriggerEvent(self.task_instance.start_date)


@pytest.mark.django_db(transaction=True)
def test_a_trigger_that_runs_here_knows_when_its_try_started():
    alias.install()
    path = conf.path("core", "dags_folder") / "asks.py"
    path.write_text(HEADER + ASKS)
    run = load_dag_file(str(path)).dags["asks"].test(execution_date=timezone.now())
    ti = run.task_instances.get()
    assert ti.state == S.SUCCESS
    assert json.loads(ti.xcoms.get().value) == ti.start_date.isoformat()


@pytest.mark.django_db(transaction=True)
def test_a_second_test_of_the_same_date_replaces_the_first(dag):
    moment = timezone.now()
    first = dag.test(execution_date=moment, mark_success_pattern=".*")
    second = dag.test(execution_date=moment, mark_success_pattern=".*")
    assert first.pk != second.pk
    assert type(second).objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_tasks_may_be_marked_instead_of_run(dag):
    run = dag.test(mark_success_pattern="flaky|waits|numbers")
    assert run.task_instances.get(task_id="flaky").try_number == 1
    assert run.task_instances.get(task_id="flaky").hostname == ""


def test_a_test_with_the_executor_is_refused(dag):
    with pytest.raises(Exception, match="runs tasks in this process only"):
        dag_test.test(dag, use_executor=True)


def test_the_in_process_executor_fits_the_port(bench_here):
    run = bench_here.run_of("PythonOperator(task_id='t', python_callable=lambda: 5)\nEmptyOperator(task_id='u')")
    executor = bench_here.executor
    first, second = bench_here.queue(run, "t"), bench_here.queue(run, "u")
    executor.submit([first, second])
    assert executor.running() == {first.ti_id, second.ti_id}
    assert executor.capacity() == 0
    executor.kill([second.ti_id], "not now")
    assert [(event.ti_id, event.state) for event in executor.poll()] == [(first.ti_id, "success")]
    assert executor.capacity() == 1
    assert run.task_instances.get(task_id="u").state == S.QUEUED


@pytest.mark.parametrize("name", ["LocalExecutor", "airflow.executors.local_executor.LocalExecutor"])
def test_executors_are_made_by_name(name):
    assert isinstance(make(name), LocalExecutor)


def test_the_sequential_executor_has_one_slot():
    assert make("SequentialExecutor").capacity() == 1


@pytest.mark.parametrize("name", ["KubernetesExecutor", "", "os.system"])
def test_an_unknown_executor_is_refused(name, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", name)
    with pytest.raises(Exception, match="executor is"):
        make(name or None)


def test_of_several_executors_tasks_choose_by_name(bench_here):
    run = bench_here.run_of("for name in 'abc':\n    BashOperator(task_id=name, bash_command='true')")

    class Noting(InProcessExecutor):
        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def submit(self, workloads):
            self.names += [workload.task_id for workload in workloads]

    first, second = Noting(), Noting()
    both = SeveralExecutors({"LocalExecutor": first, "CeleryExecutor": second})
    from dataclasses import replace

    a, b, c = (bench_here.queue(run, name) for name in "abc")
    both.submit([a, replace(b, executor="airflow.executors.celery_executor.CeleryExecutor"), replace(c, executor="X")])
    assert (first.names, second.names) == (["a", "c"], ["b"])
    assert both.capacity() == 1
