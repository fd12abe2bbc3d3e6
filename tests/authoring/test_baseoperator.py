"""Operators: what recorded files do not show. See ``test_recorded_dags`` for the rest."""

from __future__ import annotations

import abc
import copy
import inspect
import pickle
import warnings
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset
from orchestration.authoring.exceptions import (
    AirflowException,
    RemovedInAirflow3Warning,
    TaskDeferralError,
    TaskDeferred,
)
from orchestration.authoring.operator_link import BaseOperatorLink
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.taskinstance import TaskInstance
from orchestration.authoring.weight_rule import PriorityWeightStrategy, flat_totals, rule_name

#: The arguments of Airflow 2.10.5, in order.
ARGUMENTS = (
    "task_id", "owner", "email", "email_on_retry", "email_on_failure", "retries", "retry_delay",
    "retry_exponential_backoff", "max_retry_delay", "start_date", "end_date", "depends_on_past",
    "ignore_first_depends_on_past", "wait_for_past_depends_before_skipping", "wait_for_downstream", "dag", "params",
    "default_args", "priority_weight", "weight_rule", "queue", "pool", "pool_slots", "sla", "execution_timeout",
    "on_execute_callback", "on_failure_callback", "on_success_callback", "on_retry_callback", "on_skipped_callback",
    "pre_execute", "post_execute", "trigger_rule", "resources", "run_as_user", "task_concurrency",
    "map_index_template", "max_active_tis_per_dag", "max_active_tis_per_dagrun", "executor", "executor_config",
    "do_xcom_push", "multiple_outputs", "inlets", "outlets", "task_group", "doc", "doc_md", "doc_json", "doc_yaml",
    "doc_rst", "task_display_name", "logger_name", "allow_nested_operators", "kwargs",
)  # fmt: skip


class Op(BaseOperator):
    template_fields = ("x",)

    def __init__(self, *, x=None, **kwargs):
        super().__init__(**kwargs)
        self.x = x

    def execute(self, context):
        return self.x


def test_it_takes_the_arguments_of_airflow_in_their_order():
    assert tuple(inspect.signature(BaseOperator.__init__).parameters)[1:] == ARGUMENTS


def test_unknown_arguments_may_be_allowed(monkeypatch):
    monkeypatch.setenv("AIRFLOW__OPERATORS__ALLOW_ILLEGAL_ARGUMENTS", "True")
    with pytest.warns(RemovedInAirflow3Warning, match="nonsense"):
        EmptyOperator(task_id="a", nonsense=1)


def test_a_task_without_a_dag_stands_alone():
    a = EmptyOperator(task_id="a")
    assert a.dag_id == "adhoc_airflow"
    assert not a.has_dag()
    assert a.get_dag() is None
    assert a.get_flat_relative_ids() == set()
    with pytest.raises(AirflowException, match="is in no DAG"):
        _ = a.dag


def test_a_task_joins_the_dag_of_the_one_it_is_joined_to():
    dag = DAG("d", schedule=None)
    a, b = EmptyOperator(task_id="a", dag=dag), EmptyOperator(task_id="b")
    a >> b
    assert b.dag is dag
    assert dag.task_ids == ["a", "b"]


def test_setting_a_templated_field_later_adds_the_edge():
    with DAG("d", schedule=None):
        a, b = Op(task_id="a"), Op(task_id="b", x=1)
        b.x = a.output
        b.owner = "me"
    assert b.upstream_task_ids == {"a"}


def test_a_copy_for_execution_changes_nothing_else():
    with DAG("d", schedule=None):
        a, b = Op(task_id="a"), Op(task_id="b", x=1)
        ready = b.prepare_for_execution()
        ready.x = a.output
    assert b.x == 1
    assert b.upstream_task_ids == set()


def test_an_abstract_base_and_a_mixin_are_possible():
    class Mixin(abc.ABC):
        @abc.abstractmethod
        def work(self): ...

    class Concrete(Mixin, Op):
        def work(self):
            return 1

    assert Concrete(task_id="a", x=5).x == 5

    class Initialised:
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.mark = True

    class Both(Initialised, Op): ...

    assert Both(task_id="b", x=5).mark


def test_copies_and_pickles():
    with DAG("d", schedule=None):
        a = Op(task_id="a", x={"k": [1]})
    other = copy.deepcopy(a)
    assert other == a
    assert other.x is not a.x
    assert hash(other) == hash(a)
    assert a != EmptyOperator(task_id="a")
    alone = Op(task_id="p", x=3)
    assert pickle.loads(pickle.dumps(alone)).x == 3


def test_attributes_named_so_are_shared_between_copies():
    class Holder(BaseOperator):
        shallow_copy_attrs = ("thing",)

        def __init__(self, *, thing, **kwargs):
            super().__init__(**kwargs)
            self.thing = thing

    class Thing:
        def __deepcopy__(self, memo):
            raise AssertionError

    copy.deepcopy(Holder(task_id="a", thing=Thing()))


def test_relatives_at_any_distance():
    with DAG("d", schedule=None):
        tasks = [EmptyOperator(task_id=f"t{number}") for number in range(2000)]
        for before, after in pairwise(tasks):
            before >> after
    assert len(tasks[0].get_flat_relative_ids()) == 1999
    assert len(tasks[-1].get_flat_relatives(upstream=True)) == 1999
    assert list(tasks[1].get_direct_relatives(upstream=True)) == [tasks[0]]


def test_setups_a_task_needs():
    with DAG("d", schedule=None):
        used, ended, bare = (EmptyOperator(task_id=name).as_setup() for name in ("used", "ended", "bare"))
        early, work, late = (EmptyOperator(task_id=name) for name in ("early", "work", "late"))
        done = EmptyOperator(task_id="done").as_teardown(setups=ended)
        over = EmptyOperator(task_id="over").as_teardown(setups=used)
        [used, ended, bare] >> early
        early >> done
        early >> work >> late >> over
    assert {t.task_id for t in work.get_upstreams_only_setups()} == {"used", "bare"}
    assert {t.task_id for t in work.get_upstreams_only_setups_and_teardowns()} == {"used", "over", "bare"}
    assert {t.task_id for t in work.get_upstreams_follow_setups()} == {"early", "used", "over", "ended", "done", "bare"}


def test_hooks_before_and_after_get_context_and_result():
    seen = []
    a = Op(task_id="a", pre_execute=lambda c: seen.append(c), post_execute=lambda c, r: seen.append((c, r)))
    a.pre_execute({"k": 1})
    a.post_execute({"k": 1}, result=5)
    assert seen == [{"k": 1}, ({"k": 1}, 5)]
    Op(task_id="b").pre_execute({})


def test_a_hook_may_yield_event_data():
    from orchestration.authoring.datasets import Metadata
    from orchestration.authoring.outlet_events import OutletEventAccessors

    outlet = Dataset("s3://a/b")

    def note(context):
        yield Metadata(outlet, {"n": 1})
        yield "something else"

    context = {"outlet_events": OutletEventAccessors()}
    Op(task_id="a", pre_execute=note).pre_execute(context)
    assert context["outlet_events"][outlet].extra == {"n": 1}


def test_deferring_and_going_on():
    a = Op(task_id="a")
    with pytest.raises(TaskDeferred) as deferred:
        a.defer(trigger="trigger", method_name="go", kwargs={"x": 1}, timeout=timedelta(seconds=5))
    assert (deferred.value.method_name, deferred.value.kwargs) == ("go", {"x": 1})
    with pytest.raises(ValueError, match="timedelta"):
        TaskDeferred(trigger=None, method_name="go", timeout=5)

    class Waiting(Op):
        def go(self, context, event):
            return context, event

    assert Waiting(task_id="w").resume_execution("go", {"event": 5}, {"c": 1}) == ({"c": 1}, 5)
    with pytest.raises(TaskDeferralError, match="broken"):
        a.resume_execution("__fail__", {"error": "broken", "traceback": ["line"]}, {})


def test_links_of_both_kinds_are_asked(port):
    class ByKey(BaseOperatorLink):
        name = "by key"

        def get_link(self, operator, *, ti_key):
            return f"http://x/{ti_key.run_id}"

    class ByDate(BaseOperatorLink):
        name = "by date"

        def get_link(self, operator, dttm):
            return f"http://x/{dttm}"

    class Linked(Op):
        operator_extra_links = (ByKey(), ByDate())

    from tests.authoring.memory import run_value

    with DAG("d", schedule=None):
        linked = Linked(task_id="a")
    port.runs = [run_value()]
    ti = TaskInstance(linked, run_id="r")
    assert linked.extra_links == ["by date", "by key"]
    assert linked.get_extra_links(ti, "by key") == "http://x/r"
    assert linked.get_extra_links(ti, "by date") == "http://x/2024-03-05 10:00:00+00:00"
    assert linked.get_extra_links(ti, "none") is None


class Half(PriorityWeightStrategy):
    def get_weight(self, ti):
        return ti.task.priority_weight // 2 + ti.try_number


class Broken(PriorityWeightStrategy):
    def get_weight(self, ti):
        raise KeyError("x")


def test_weight_rules_of_one_s_own():
    a = EmptyOperator(task_id="a", priority_weight=10, weight_rule=Half())
    assert a.priority_weight_total == 5
    assert rule_name(a.weight_rule) == f"{__name__}.Half"
    assert EmptyOperator(task_id="b", priority_weight=9, weight_rule=f"{__name__}.Half").priority_weight_total == 4
    with pytest.raises(AirflowException, match="weight rule of task 'c' failed: KeyError"):
        _ = EmptyOperator(task_id="c", weight_rule=Broken()).priority_weight_total
    with pytest.raises(AirflowException, match=r"weight_rule 'os\.path' is none of"):
        EmptyOperator(task_id="d", weight_rule="os.path")


def test_weights_are_kept_within_32_bits():
    assert EmptyOperator(task_id="a", priority_weight=2**40).priority_weight_total == 2**31 - 1
    assert EmptyOperator(task_id="b", priority_weight=-(2**40)).priority_weight_total == -(2**31)


@pytest.mark.parametrize("upstream", [True, False])
def test_all_totals_at_once_equal_those_of_each_task(upstream):
    with DAG("d", schedule=None) as dag:
        tasks = [
            EmptyOperator(
                task_id=f"t{n}", priority_weight=n % 4 - 1, weight_rule="upstream" if upstream else "downstream"
            )
            for n in range(60)
        ]
        for n, before in enumerate(tasks):
            for step in (1, 3, 7):
                if n + step < len(tasks) and (n * step) % 5:
                    before >> tasks[n + step]
    assert flat_totals(dag, upstream=upstream) == {t.task_id: t.priority_weight_total for t in tasks}


def test_inlets_and_outlets():
    a = Op(task_id="a", outlets=Dataset("x"))
    a > Dataset("y")
    a < [Dataset("z")]
    assert a.get_outlet_defs() == [Dataset("x"), Dataset("y")]
    assert a.get_inlet_defs() == [Dataset("z")]
    with pytest.raises(TypeError, match="cannot be an outlet"):
        a > 5
    with pytest.raises(TypeError, match="takes a task on the right"):
        a | 5


def test_template_fields_given_as_a_text_are_wrapped():
    class Wrong(BaseOperator):
        template_fields = "x"

        def __init__(self, *, x, **kwargs):
            super().__init__(**kwargs)
            self.x = x

    with pytest.warns(UserWarning, match="is a text"):
        assert Wrong(task_id="a", x=1).template_fields == ["x"]


def test_the_label_is_the_id_without_the_group_s():
    from orchestration.authoring.task_group import TaskGroup

    with DAG("d", schedule=None), TaskGroup("g"):
        assert EmptyOperator(task_id="a").label == "a"
        assert EmptyOperator(task_id="b", task_display_name="Shown").label == "Shown"
        with TaskGroup("plain", prefix_group_id=False):
            assert EmptyOperator(task_id="c").label == "c"


def test_an_unmapped_partial_warns():
    with pytest.warns(UserWarning, match="task 'a' makes no task before expand"):
        BashOperator.partial(task_id="a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="takes no 'nonsense'"):
            BashOperator.partial(task_id="b", nonsense=1)


def test_the_logger_has_the_operator_s_name():
    assert Op(task_id="a").log.name == f"airflow.task.operators.{__name__}.Op"
    assert Op(task_id="a", logger_name="mine").log.name == "airflow.task.operators.mine"


def test_a_date_that_is_none_is_left_out(caplog):
    a = EmptyOperator(task_id="a", start_date="2024-01-01")
    assert a.start_date is None
    assert "start_date of a is left out" in caplog.text
    naive = EmptyOperator(task_id="b", start_date=datetime(2024, 1, 1))
    assert naive.start_date == datetime(2024, 1, 1, tzinfo=UTC)
