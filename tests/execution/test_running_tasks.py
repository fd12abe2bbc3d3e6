"""What a task's process does, through a real supervisor: contexts, results, exceptions, callbacks, logs."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.models import (
    Connection,
    DagDatasetReference,
    Dataset,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
    RenderedFields,
    TaskInstanceHistory,
    TaskReschedule,
    Variable,
    XCom,
)
from orchestration.states import TaskInstanceState as S
from tests.factories import DagFactory

pytestmark = pytest.mark.processes


def xcom(ti, key="return_value"):
    return json.loads(XCom.objects.get(task_instance=ti, key=key).value)


def test_a_python_task_runs_in_a_process_of_its_own_and_leaves_its_result(bench):
    run = bench.run_of("PythonOperator(task_id='t', python_callable=lambda: [os.getpid(), os.getsid(0), {'a': 1}])")
    ti = bench.run_task(run, "t")
    assert (ti.state, ti.claim, ti.reason) == (S.SUCCESS, None, "")
    pid, session, value = xcom(ti)
    assert (pid, session, value) == (ti.pid, ti.pid, {"a": 1})
    assert XCom.objects.get(task_instance=ti).length == 3
    assert ti.duration is not None and ti.duration >= 0
    assert ti.hostname and ti.unixname
    bench.until(lambda: [event.state for event in bench.events][-1:] == ["success"])


def test_a_log_has_first_and_last_system_lines_in_the_references_form(bench):
    run = bench.run_of("BashOperator(task_id='t', bash_command='echo from bash')")
    lines = bench.log_of(bench.run_task(run, "t")).splitlines()
    form = re.compile(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000\] \{[\w.]+\.py:\d+\} [A-Z]+ - ")
    assert all(form.match(line) for line in lines)
    assert "::group::Before the task" in lines[0]
    assert "Task exited with return code 0" in lines[-2]
    assert any(line.endswith("INFO - from bash") for line in lines)


def test_everything_that_is_printed_is_in_the_log_in_its_order(bench):
    run = bench.run_of("""
        @task
        def t():
            import logging
            print("one")
            logging.getLogger("mine").info("two")
            sys.stderr.write("three\\n")
            print("four", end="")
            sys.stdout.flush()
            subprocess.run(["sh", "-c", "echo five; echo six >&2"], check=True)
            time.sleep(0.1)
            os.system("printf seven")
            sys.stdout.buffer.write(b"\\xff eight\\n")
            sys.stdout.flush()
        t()
    """)
    log = bench.log_of(bench.run_task(run, "t"))
    found = re.findall(r"(INFO|WARNING) - (one|two|three|four|five|six|seven|\\xff eight)$", log, re.MULTILINE)
    assert found == [
        ("INFO", "one"), ("INFO", "two"), ("WARNING", "three"), ("INFO", "four"), ("INFO", "five"), ("INFO", "six"),
        ("INFO", "\\xff eight"), ("INFO", "seven"),
    ]  # fmt: skip


def test_templates_are_rendered_and_kept_and_the_environment_names_the_task(bench):
    run = bench.run_of(
        "BashOperator(task_id='t', bash_command='echo {{ ds }} {{ params.size }} $AIRFLOW_CTX_TASK_ID $MINE', "
        "env={'MINE': '{{ run_id }}'}, append_env=True, params={'size': 3})"
    )
    ti = bench.run_task(run, "t")
    fields = RenderedFields.objects.get(pk=ti.pk).fields
    assert fields["bash_command"] == f"echo {run.logical_date:%Y-%m-%d} 3 $AIRFLOW_CTX_TASK_ID $MINE"
    assert fields["env"] == {"MINE": run.run_id}
    assert xcom(ti) == f"{run.logical_date:%Y-%m-%d} 3 t {run.run_id}"


def test_variables_connections_and_xcoms_go_through_the_supervisor(bench):
    Variable.objects.create(key="greeting", val="hello")
    Connection.objects.create(conn_id="db", conn_type="http", host="example.com", password="pw", extra='{"a": 1}')
    run = bench.run_of("""
        @task
        def push(ti=None):
            ti.xcom_push("mine", {"n": 1})
            Variable.set("new", "v")
            return Variable.get("greeting")
        @task
        def pull(ti=None):
            from airflow.hooks.base import BaseHook
            return [ti.xcom_pull(task_ids="push"), ti.xcom_pull(task_ids="push", key="mine"),
                    BaseHook.get_connection("db").host, Variable.get("absent", default_var="none")]
        push() >> pull()
    """)
    bench.run_task(run, "push")
    assert xcom(bench.run_task(run, "pull")) == ["hello", {"n": 1}, "example.com", "none"]
    assert Variable.objects.get(key="new").val == "v"


def test_many_threads_and_a_forked_process_may_ask_at_once(bench):
    Variable.objects.create(key="v", val="x")
    run = bench.run_of("""
        @task
        def t():
            import concurrent.futures, multiprocessing
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: Variable.get("v"), range(50)))
            context = multiprocessing.get_context("fork")
            with context.Pool(3) as pool:
                answers += pool.map(Variable.get, ["v"] * 50)
            return "".join(answers)
        t()
    """)
    assert xcom(bench.run_task(run, "t")) == "x" * 100


@pytest.mark.parametrize(
    ("code", "retries", "state", "reason"),
    [
        ("raise ValueError('no good')", 0, S.FAILED, "ValueError: no good"),
        ("raise ValueError('no good')", 1, S.UP_FOR_RETRY, "ValueError: no good"),
        ("raise AirflowException('oh')", 1, S.UP_FOR_RETRY, "AirflowException: oh"),
        ("raise AirflowFailException('at once')", 1, S.FAILED, "AirflowFailException: at once"),
        ("raise AirflowSensorTimeout('late')", 1, S.FAILED, "AirflowSensorTimeout: late"),
        ("raise AirflowSkipException('not today')", 0, S.SKIPPED, ""),
        ("sys.exit(0)", 0, S.SUCCESS, ""),
        ("sys.exit(3)", 0, S.FAILED, "AirflowException: The task called sys.exit(3)"),
        ("raise KeyboardInterrupt", 1, S.UP_FOR_RETRY, "KeyboardInterrupt"),
        ("os._exit(0)", 0, S.FAILED, "The task's process ended with exit status 0 without a result."),
        ("os._exit(7)", 1, S.UP_FOR_RETRY, "The task's process ended with exit status 7 without a result."),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 0, S.FAILED, "The task's process was killed by SIGSEGV."),
        ("f = lambda: f(); f()", 0, S.FAILED, "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('nul \\x00 and \\ud800')", 0, S.FAILED, "ValueError: nul \\x00 and \\ud800"),
        ("import threading; threading.Thread(target=time.sleep, args=(600,)).start()", 0, S.SUCCESS, ""),
    ],
)
def test_an_end_means_what_it_means_in_the_reference(bench, code, retries, state, reason):
    run = bench.run_of(
        f"@task(retries={retries}, retry_delay=datetime.timedelta(seconds=30))\ndef t():\n    {code}\nt()"
    )
    ti = bench.run_task(run, "t")
    assert ti.state == state
    assert ti.reason == reason
    if state == S.UP_FOR_RETRY:
        assert TaskInstanceHistory.objects.get(task_instance=ti).state == S.FAILED
        assert 25 < (ti.not_before - timezone.now()).total_seconds() <= 30
    if state == S.FAILED and "raise" in code:
        assert "Traceback (most recent call last)" in bench.log_of(ti)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("object()", "cannot be written as JSON"),
        ("b'bytes'", "cannot be written as JSON"),
        ("(lambda l: l.append(l) or l)([])", "cannot be written as JSON"),
        ("{object(): 1}", "cannot be written as JSON"),
    ],
)
def test_a_result_without_a_json_form_fails_the_task_with_a_sentence(bench, value, sentence):
    run = bench.run_of(f"PythonOperator(task_id='t', python_callable=lambda: {value})")
    ti = bench.run_task(run, "t")
    assert ti.state == S.FAILED
    assert sentence in ti.reason
    assert not XCom.objects.exists()


def test_a_result_of_ten_megabytes_passes(bench):
    run = bench.run_of("PythonOperator(task_id='t', python_callable=lambda: 'x' * 10_000_000)")
    assert len(xcom(bench.run_task(run, "t"))) == 10_000_000


def test_dates_and_sets_come_back_as_what_they_were(bench):
    run = bench.run_of("""
        @task
        def give():
            return {"d": START, "s": {1}}
        @task
        def take(x):
            assert x == {"d": START, "s": {1}}, x
        take(give())
    """)
    bench.run_task(run, "give")
    assert bench.run_task(run, "take").state == S.SUCCESS


def test_odd_texts_and_numbers_harm_nothing(bench):
    run = bench.run_of("""
        @task
        def t(values):
            print(values)
            return {"n": 2**80, "text": "nul \\x00"}
        t(["{{ '\\\\ud800' }} half", "{{ 1 }}"])
    """)
    ti = bench.run_task(run, "t")
    assert (ti.state, ti.reason) == (S.SUCCESS, "")
    assert xcom(ti) == {"n": 2**80, "text": "nul \x00"}
    assert RenderedFields.objects.get(pk=ti.pk).fields["op_args"] == [["\\ud800 half", "1"]]


def test_multiple_outputs_are_pushed_one_by_one_too(bench):
    run = bench.run_of("@task(multiple_outputs=True)\ndef t():\n    return {'a': 1, 'b': [2]}\nt()")
    ti = bench.run_task(run, "t")
    assert (xcom(ti, "a"), xcom(ti, "b"), xcom(ti)) == (1, [2], {"a": 1, "b": [2]})


def test_a_new_try_starts_without_the_xcoms_of_the_one_before(bench):
    run = bench.run_of("""
        @task(retries=1)
        def t(ti=None):
            if ti.try_number == 1:
                ti.xcom_push("left", 1)
                raise ValueError
        t()
    """)
    bench.run_task(run, "t")
    assert XCom.objects.count() == 1
    assert bench.run_task(run, "t").state == S.SUCCESS
    assert not XCom.objects.exists()


def test_a_branch_skips_the_others_and_remembers(bench):
    run = bench.run_of("""
        pick = BranchPythonOperator(task_id="pick", python_callable=lambda: "left")
        pick >> [EmptyOperator(task_id="left"), EmptyOperator(task_id="right")]
    """)
    ti = bench.run_task(run, "pick")
    assert xcom(ti, "skipmixin_key") == {"followed": ["left"]}
    states = dict(run.task_instances.values_list("task_id", "state"))
    assert states == {"pick": S.SUCCESS, "left": S.NONE, "right": S.SKIPPED}


def test_callbacks_run_in_the_tasks_process_when_the_end_is_known(bench, tmp_path):
    notes = tmp_path / "notes"
    run = bench.run_of(f"""
        def note(word):
            def callback(context):
                with open({str(notes)!r}, "a") as file:
                    file.write(f"{{word}} {{context['ti'].state}} {{type(context.get('exception')).__name__}}\\n")
            return callback
        words = ("execute", "success", "failure", "retry", "skipped")
        common = {{f"on_{{word}}_callback": note(word) for word in words}}
        def fail():
            raise ValueError
        def skip():
            raise AirflowSkipException
        PythonOperator(task_id="good", python_callable=lambda: None, **common)
        PythonOperator(task_id="bad", python_callable=fail, retries=1, **common)
        PythonOperator(task_id="skip", python_callable=skip, **common)
        def broken(context):
            raise RuntimeError("the callback is broken")
        PythonOperator(task_id="broken", python_callable=lambda: None, on_success_callback=broken)
    """)

    def of(task_id):
        notes.unlink(missing_ok=True)
        bench.run_task(run, task_id)
        return notes.read_text().splitlines() if notes.exists() else []

    assert of("good") == ["execute running NoneType", "success success NoneType"]
    assert of("bad") == ["execute running NoneType", "retry up_for_retry ValueError"]
    assert of("bad") == ["execute running NoneType", "failure failed ValueError"]
    # The reference calls on_success_callback of a skipped task, too.
    assert of("skip") == ["execute running NoneType", "skipped running NoneType", "success skipped NoneType"]
    assert bench.run_task(run, "broken").state == S.SUCCESS


def test_a_rescheduled_sensor_keeps_its_try_and_its_first_start(bench):
    run = bench.run_of("""
        def look(ti=None):
            print("first", ti.first_start_date.isoformat(), "checks", ti.reschedule_count)
            return ti.reschedule_count >= 2
        PythonSensor(task_id="t", python_callable=look, poke_interval=5, mode="reschedule", timeout=600)
    """)
    for checks in (1, 2):
        ti = bench.run_task(run, "t")
        assert (ti.state, ti.try_number) == (S.UP_FOR_RESCHEDULE, 1)
        assert TaskReschedule.objects.filter(task_instance=ti).count() == checks
        assert ti.not_before > timezone.now() + timedelta(seconds=2)
        ti.state = S.SCHEDULED
        ti.save()
    ti = bench.run_task(run, "t")
    assert ti.state == S.SUCCESS
    firsts = re.findall(r"first (\S+) checks (\d)", bench.log_of(ti))
    assert [checks for _, checks in firsts] == ["0", "1", "2"]
    assert len({first for first, _ in firsts}) == 1


def test_a_rescheduled_sensor_counts_its_time_from_its_first_try(bench):
    run = bench.run_of("""
        def look(ti=None):
            print("first", ti.first_start_date.isoformat(), "try", ti.try_number)
            if ti.reschedule_count and ti.try_number == 1:
                raise ValueError
            return ti.try_number == 2
        PythonSensor(task_id="t", python_callable=look, mode="reschedule", timeout=600, retries=1)
    """)
    firsts = []
    for state in (S.UP_FOR_RESCHEDULE, S.UP_FOR_RETRY, S.SUCCESS):
        ti = bench.run_task(run, "t")
        assert ti.state == state
        firsts += re.findall(r"first (\S+) try", bench.log_of(ti))[-1:]
        if state == S.UP_FOR_RESCHEDULE:
            ti.state = S.SCHEDULED
            ti.save()
    assert ti.try_number == 2
    assert len(firsts) == 3 and len(set(firsts)) == 1


def test_a_deferred_task_goes_on_in_its_try_with_the_event(bench):
    run = bench.run_of("""
        from airflow.triggers.temporal import TimeDeltaTrigger
        class Op(BaseOperator):
            def execute(self, context):
                context["ti"].xcom_push("kept", 1)
                self.defer(trigger=TimeDeltaTrigger(datetime.timedelta(hours=1)), method_name="go_on",
                           kwargs={"x": START}, timeout=datetime.timedelta(hours=2))
            def go_on(self, context, x, event):
                return [x == START, event, context["ti"].try_number]
        Op(task_id="t")
    """)
    ti = bench.run_task(run, "t")
    assert (ti.state, ti.next_method) == (S.DEFERRED, "go_on")
    assert ti.trigger.classpath == "airflow.triggers.temporal.DateTimeTrigger"
    assert timedelta(hours=1.9) < ti.trigger_timeout_at - timezone.now() < timedelta(hours=2)
    started = ti.start_date
    ti.state, ti.trigger, ti.next_kwargs = S.SCHEDULED, None, {**ti.next_kwargs, "event": "fired"}
    ti.save()
    ti = bench.run_task(run, "t")
    assert (ti.state, ti.try_number, ti.start_date) == (S.SUCCESS, 1, started)
    assert xcom(ti) == [True, "fired", 1]
    assert xcom(ti, "kept") == 1  # going on deletes nothing
    assert ti.next_method is None


def test_a_trigger_whose_arguments_are_no_json_fails_the_task(bench):
    run = bench.run_of("""
        from airflow.triggers.base import BaseTrigger
        class Bad(BaseTrigger):
            def serialize(self):
                return ("x.Bad", {"o": object()})
            async def run(self):
                yield None
        class Op(BaseOperator):
            def execute(self, context):
                self.defer(trigger=Bad(), method_name="go_on")
        Op(task_id="t")
    """)
    ti = bench.run_task(run, "t")
    assert ti.state == S.FAILED
    assert "trigger's arguments cannot be written as JSON" in ti.reason


@pytest.mark.parametrize("is_deaf", [False, True])
def test_execution_timeout_ends_the_task_also_where_it_does_not_listen(bench, is_deaf):
    deaf = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})" if is_deaf else "pass"
    run = bench.run_of(f"""
        @task(execution_timeout=datetime.timedelta(seconds=1), retries=1)
        def t():
            {deaf}
            time.sleep(600)
        t()
    """)
    ti = bench.run_task(run, "t", seconds=90 if is_deaf else 10)
    assert ti.state == S.UP_FOR_RETRY
    assert ("did not stop by itself" if is_deaf else "AirflowTaskTimeout: The task ran longer") in ti.reason


def test_outlets_make_dataset_events_with_their_extras_when_the_task_succeeds(bench):
    consumer = "waits_for_one"
    DagFactory(dag_id=consumer, is_paused=False)
    DagDatasetReference.objects.create(dag_id=consumer, dataset=Dataset.objects.create(uri="s3://bucket/one"))
    run = bench.run_of("""
        one = Dataset("s3://bucket/one")
        @task(outlets=[one])
        def t():
            yield Metadata(one, {"rows": 1})
        t()
        @task(outlets=[one])
        def bad():
            raise ValueError
        bad()
    """)
    bench.run_task(run, "bad")
    assert not DatasetEvent.objects.exists()
    bench.run_task(run, "t")
    event = DatasetEvent.objects.select_related("dataset").get()
    assert (event.dataset.uri, event.extra, event.source_task_id) == ("s3://bucket/one", {"rows": 1}, "t")
    assert DatasetQueuedEvent.objects.get().dag_id == consumer


def test_an_outlet_alias_makes_events_of_the_datasets_it_was_given(bench):
    run = bench.run_of("""
        alias = DatasetAlias("many")
        @task(outlets=[alias])
        def t(*, outlet_events):
            outlet_events[alias].add(Dataset("s3://bucket/two"), extra={"rows": 2})
        t()
    """)
    bench.run_task(run, "t")
    event = DatasetEvent.objects.select_related("dataset").get()
    assert (event.dataset.uri, event.extra) == ("s3://bucket/two", {"rows": 2})
    assert DatasetAlias.objects.get(events=event).name == "many"


def test_a_mapped_task_gets_its_own_arguments_and_label(bench):
    run = bench.run_of("""
        @task(map_index_template="n {{ task.op_kwargs['x'] }}")
        def double(x, y):
            return x * 2 + y
        double.partial(y=1).expand(x=[5, 6])
    """)
    tis = bench.finish(*(bench.queue(run, "double", index) for index in (0, 1)))
    assert [xcom(ti) for ti in tis] == [11, 13]
    assert [ti.rendered_map_index for ti in tis] == ["n 5", "n 6"]
    assert "map_index=1" in bench.log_of(tis[1])


@pytest.mark.parametrize(("value", "reason"), [("None", "returned nothing"), ("5", "The result is of type int")])
def test_a_result_that_cannot_be_expanded_over_fails_its_task(bench, value, reason):
    run = bench.run_of(f"""
        @task
        def give():
            return {value}
        @task
        def take(x):
            pass
        take.expand(x=give())
    """)
    ti = bench.run_task(run, "give")
    assert ti.state == S.FAILED
    assert reason in ti.reason


def test_secrets_are_masked_in_logs_and_rendered_fields(bench, monkeypatch):
    Variable.objects.create(key="api_password", val="s3cr3t-value")
    run = bench.run_of("""
        @task(templates_dict={"password_of": "{{ var.value.api_password }}"})
        def t(templates_dict=None):
            value = Variable.get("api_password")
            print("python", value)
            os.system("echo child " + value)
            import logging
            logging.getLogger("x").warning("logged %s", value)
            raise ValueError("failed with " + value)
        t()
    """)
    ti = bench.run_task(run, "t")
    log = bench.log_of(ti)
    assert "python ***" in log and "child ***" in log and "logged ***" in log and "failed with ***" in log
    assert "s3cr3t-value" not in log
    assert "s3cr3t" not in ti.reason
    assert "s3cr3t" not in json.dumps(RenderedFields.objects.get(pk=ti.pk).fields)


def test_a_task_that_prints_its_environment_shows_no_key_of_the_installation(bench):
    from django.conf import settings

    run = bench.run_of("""
        @task
        def t():
            from airflow.configuration import conf
            os.environ["COPY"] = conf.get("webserver", "secret_key") or "none"
            print(dict(os.environ))
            for option in ("secret_key",):
                print("key", conf.get("webserver", option))
        t()
    """)
    assert settings.SECRET_KEY not in bench.log_of(bench.run_task(run, "t"))


def test_params_that_break_their_schema_fail_the_task(bench):
    run = bench.run_of(
        "from airflow.models.param import Param\n"
        "BashOperator(task_id='t', bash_command='echo', params={'n': Param(1, type='integer')}, retries=1)",
        conf={"n": "no number"},
    )
    ti = bench.run_task(run, "t")
    assert ti.state == S.UP_FOR_RETRY
    assert "ParamValidationError" in ti.reason


def test_a_dag_that_vanished_from_its_file_fails_the_try_with_a_sentence(bench):
    run = bench.run_of("EmptyOperator(task_id='t')\nBashOperator(task_id='gone', bash_command='true')")
    path = bench.folder / f"{run.dag_id}.py"
    path.write_text(path.read_text().replace("task_id='gone'", "task_id='renamed'"))
    ti = bench.run_task(run, "gone")
    assert ti.state == S.FAILED
    assert "does not have the task gone any more" in ti.reason
    path.write_text("import nothing_like_this")
    ti = bench.run_task(run, "t")
    assert "No module named 'nothing_like_this'" in ti.reason
    assert "No module named 'nothing_like_this'" in bench.log_of(ti)


def test_a_changed_file_is_used_by_the_next_try(bench):
    run = bench.run_of("PythonOperator(task_id='t', python_callable=lambda: 'old')")
    assert xcom(bench.run_task(run, "t")) == "old"
    path = bench.folder / f"{run.dag_id}.py"
    path.write_text(path.read_text().replace("'old'", "'new'"))
    assert xcom(bench.run_task(run, "t")) == "new"


def test_a_changed_module_beside_the_file_is_used_by_the_next_try(bench):
    bench.write("helper_module.py", "WORD = 'old'")
    run = bench.run_of("import helper_module\nPythonOperator(task_id='t', python_callable=lambda: helper_module.WORD)")
    assert xcom(bench.run_task(run, "t")) == "old"
    bench.write("helper_module.py", "WORD = 'newer'")
    assert xcom(bench.run_task(run, "t")) == "newer"


def test_a_task_that_came_with_data_beside_the_file_is_found(bench):
    """The file did not change, but what it reads when it is imported has."""
    names = bench.write("names.txt", "one")
    run = bench.run_of(
        "for name in open(os.path.join(os.path.dirname(__file__), 'names.txt')).read().split():\n"
        "    PythonOperator(task_id=name, python_callable=lambda name=name: name)"
    )
    assert xcom(bench.run_task(run, "one")) == "one"
    names.write_text("one two")
    ti = run.task_instances.get()
    ti.pk, ti.task_id, ti.state, ti.try_number, ti.claim = None, "two", "", 0, None
    ti.save()
    found = bench.run_task(run, "two")
    assert (found.state, found.reason) == (S.SUCCESS, "")
    assert xcom(found) == "two"
    assert not bench.executor.running()


def test_an_import_that_reads_a_variable_is_served(bench):
    Variable.objects.create(key="top", val="level")
    run = bench.run_of("word = Variable.get('top')\nPythonOperator(task_id='t', python_callable=lambda: word)")
    assert xcom(bench.run_task(run, "t")) == "level"


def test_the_same_workload_twice_runs_once(bench, tmp_path):
    run = bench.run_of(f"BashOperator(task_id='t', bash_command='echo x >> {tmp_path}/mark; sleep 0.5')")
    workload = bench.queue(run, "t")
    bench.submit(workload, workload)
    bench.finish(workload)
    bench.finish(workload)  # again, after its end
    assert (tmp_path / "mark").read_text() == "x\n"


def test_a_try_that_was_taken_back_is_not_run(bench, tmp_path):
    run = bench.run_of(f"BashOperator(task_id='t', bash_command='touch {tmp_path}/mark')")
    workload = bench.queue(run, "t")
    run.task_instances.update(state=S.SCHEDULED, claim=None)
    ti = bench.finish(workload)[0]
    assert ti.state == S.SCHEDULED
    assert not (tmp_path / "mark").exists()


def test_thirty_tasks_at_once_all_end(bench):
    run = bench.run_of("for i in range(30):\n    PythonOperator(task_id=f't{i}', python_callable=lambda i=i: i)")
    tis = bench.finish(*(bench.queue(run, f"t{i}") for i in range(30)), seconds=60)
    assert {ti.state for ti in tis} == {S.SUCCESS}
    assert [xcom(ti) for ti in tis] == list(range(30))
