"""One try, in its own process: context, templates, execute, callbacks, and one message of how it ended. No Django.

The order of things and what each exception means are those of ``TaskInstance._run_raw_task`` in Airflow 2.10.5.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import FrameType
from typing import Any, NoReturn

from setproctitle import setproctitle

from orchestration.authoring import serde, store
from orchestration.authoring.context import Context, for_task_instance, set_current_context
from orchestration.authoring.dagrun import DagRun
from orchestration.authoring.datasets import Dataset, DatasetAlias
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
    ParamValidationError,
    TaskDeferralError,
    TaskDeferred,
    UnmappableXComLengthPushed,
    UnmappableXComTypePushed,
    XComForMappingNotPushed,
)
from orchestration.authoring.loading import LoadedFile
from orchestration.authoring.mappedoperator import MappedOperator
from orchestration.authoring.operator_helpers import ExecutionCallableRunner, context_to_airflow_vars
from orchestration.authoring.outlet_events import context_get_outlet_events
from orchestration.authoring.secrets import redact
from orchestration.authoring.taskinstance import TaskInstance
from orchestration.authoring.templates import render_to_text
from orchestration.authoring.types import XCOM_RETURN_KEY
from orchestration.conf import conf
from orchestration.execution import mails, ties
from orchestration.execution.store_client import SocketStore
from orchestration.execution.task_log import TaskLog, set_level
from orchestration.processes import frames
from orchestration.processes.alarm import alarm
from orchestration.serialization.retries import delay_seconds, may_retry
from orchestration.serialization.template_fields import rendered_fields

log = logging.getLogger("airflow.task")

#: What a process says of its end: see ``tries.outcome_of``.
Result = dict[str, Any]
#: Characters of a reason that are kept.
LONGEST_REASON = 2000


#: Template environments by DAG object, made before the forks.
_environments: dict[int, Any] = {}
#: A file with more DAGs has them made in the tasks' processes.
_MOST_ENVIRONMENTS = 20


def prepare(loaded: LoadedFile) -> None:
    """Do ahead, in a warm parent, what every task of the file would do."""
    set_level()
    for dag in list(loaded.dags.values())[:_MOST_ENVIRONMENTS]:
        with contextlib.suppress(Exception):  # the task that needs it will show the error
            _environments[id(dag)] = dag.get_template_env()


def run_try(sock: socket.socket, loaded: LoadedFile) -> int:
    """The life of a task's process; its exit status. Waits for the start document; without one nothing is run."""
    try:
        document = frames.receive(sock)
    except (EOFError, OSError, frames.FrameError):
        return 0
    port = SocketStore(sock)
    os.environ[ties.TRY_VARIABLE] = document["tag"]
    given = document["ti"]
    setproctitle(ties.task_title(document["tag"], f"{given['dag_id']} {given['task_id']} {given['run_id']}"))
    store.install(port)
    task_log = TaskLog(document["log_path"])
    with contextlib.suppress(OSError):
        task_log.start()
    result: Result = {}
    try:
        result = Run(document, loaded, port, owns_process=True).run()
    finally:
        task_log.stop()
        if result:
            port.tell("result", {**result, "pid": os.getpid()})
    return 0


class Run:
    """One try: ``run`` gives its result and raises nothing; ``is_test`` is the context's ``test_mode``."""

    def __init__(
        self,
        document: Mapping[str, Any],
        loaded: LoadedFile,
        port: Any,
        *,
        owns_process: bool = False,
        is_test: bool = False,
    ) -> None:
        self._document = document
        self._loaded = loaded
        self._port = port
        self._owns_process = owns_process
        self._is_test = is_test
        self._given = document["ti"]
        self._context: Context | None = None
        self._task: Any = None
        self._dag: Any = None
        self._refused: ParamValidationError | None = None
        self._skips: list[str] = []
        self._xcoms: dict[str, tuple[str, str, int | None]] = {}
        self._started_at = datetime.now(UTC)

    @cached_property
    def _templates(self) -> Any:
        """The DAG's template environment."""
        return _environments.get(id(self._dag)) or self._dag.get_template_env()

    @property
    def _ti(self) -> Any:
        assert self._context is not None
        return self._context["ti"]

    def run(self) -> Result:
        """Do it all."""
        given = self._given
        log.info("::group::Before the task")
        log.info("Try %s of at most %s", given["try_number"], given.get("max_tries", 0) + 1)
        log.info("It runs in process %s", os.getpid())
        try:
            self._find()
        except BaseException as error:
            log.error("The task cannot be found", exc_info=not isinstance(error, AirflowException))
            log.error("%s", error)
            log.info("Task exited with return code 1")
            # Where the import failed there is nothing else to be hoped for from another one.
            return {"state": "unknown", "reason": _reason(error), "is_stale": not self._loaded.errors}
        log.info("%s for %s", self._task, self._ti.execution_date)
        log.info("%s on %s", self._ti, given.get("hostname") or socket.gethostname())
        result = self._outcome()
        log.info("Task exited with return code %s", 1 if result["state"] in {"failed", "up_for_retry"} else 0)
        log.info("::endgroup::")
        return result

    def _find(self) -> None:
        """The DAG, the task, the context. AirflowException where the file does not have them."""
        dag_id, task_id = self._given["dag_id"], self._given["task_id"]
        dag = self._loaded.dags.get(dag_id)
        if dag is None:
            errors = "\n".join(self._loaded.errors.values())
            place = self._document["dag"]["fileloc"]
            raise AirflowException(
                f"{place} cannot be imported:\n{errors}"
                if errors
                else f"{place} does not define the DAG {dag_id} any more."
            )
        if task_id not in dag.task_dict:
            raise AirflowException(f"The DAG {dag_id} does not have the task {task_id} any more.")
        self._dag = dag
        task: Any = dag.get_task(task_id)
        self._task = task.prepare_for_execution()
        self._given["first_start_date"] = self._first_check()
        ti = TaskInstance.of(self._document, self._task, DagRun.of(self._document["run"], dag))
        ti.test_mode = self._is_test
        try:
            self._context = for_task_instance(ti, ignore_param_exceptions=False)
        except ParamValidationError as error:
            self._context, self._refused = for_task_instance(ti), error
        if (next_kwargs := self._given.get("next_kwargs")) is not None:
            self._ti.next_kwargs = serde.loads(frames.to_text(next_kwargs).decode())
        self._ti.skip_downstream = self._skips.extend

    def _first_check(self) -> str | None:
        """When a sensor in reschedule mode first looked: its time counts over all tries since the last clear."""
        first_try = self._given.get("max_tries", 0) - (self._task.retries or 0) + 1
        checks: dict[str, str] = self._given.get("first_checks") or {}
        return checks.get(str(first_try)) or checks.get(str(self._given["try_number"]))

    def _outcome(self) -> Result:
        """Execute, and say how it ended."""
        try:
            with _terminable(self._on_kill, is_last=self._owns_process):
                self._execute()
            return self._finished("success")
        except TaskDeferred as wait:
            return self._deferred(wait)
        except AirflowSkipException as skip:
            if skip.args:
                log.info("%s", skip)
            self._call(self._ti.task.on_skipped_callback, "skipped")
            return self._finished("skipped")
        except AirflowRescheduleException as wait:
            log.info("The task gives its process back, to look again at %s", wait.reschedule_date)
            return self._result("up_for_reschedule", reschedule_at=_iso(wait.reschedule_date))
        except (AirflowFailException, AirflowSensorTimeout) as error:
            return self._failed(error, is_final=True)
        except SystemExit as error:
            return self._failed(AirflowException(f"The task called sys.exit({error.code!r})"))
        except BaseException as error:
            return self._failed(error)
        finally:
            log.info("::group::After the task")

    # Execution

    def _execute(self) -> None:
        context = self._context
        assert context is not None
        ti = self._ti
        if self._refused is not None:
            raise self._refused
        self._task.params = context["params"]
        with set_current_context(context):
            original = ti.render_templates(context=context, jinja_env=self._templates)
        task = self._task = ti.task
        if task.template_fields:
            self._port.set_rendered_fields(rendered_fields(task))
        variables = context_to_airflow_vars(context, in_env_var_format=True)
        os.environ.update(variables)
        if not ti.next_method:
            log.info("The environment got %s", " ".join(f"{name}={value!r}" for name, value in variables.items()))
        task.pre_execute(context=context)
        self._call(task.on_execute_callback, "execute")
        with set_current_context(context):
            try:
                value = self._call_task(task, context)
            except Exception:
                with contextlib.suppress(Exception):  # the task's own error is the one to show
                    self._label_map_index()
                raise
            self._label_map_index()
        self._push_result(task, value)
        self._check_mapped_dependants(original, value if task.do_xcom_push else None)
        task.post_execute(context=context, result=value)

    def _call_task(self, task: Any, context: Context) -> Any:
        """``execute``, or the method a deferral named, within ``execution_timeout``."""
        ti = self._ti
        if ti.next_method:
            function, arguments = task.resume_execution, {"next_method": ti.next_method, "next_kwargs": ti.next_kwargs}
        else:
            function, arguments = task.execute, {}
        log.info("::endgroup::")
        runner = ExecutionCallableRunner(function, context_get_outlet_events(context), logger=log)
        seconds = self._seconds_left(task)
        if seconds is not None:
            self._port.tell("deadline", max(seconds, 0.0))
        try:
            with _time_limit(seconds):
                return runner.run(context=context, **arguments)
        except SystemExit as error:
            if error.code not in (None, 0):
                raise
            return None
        except AirflowTaskTimeout:
            self._on_kill()
            raise

    def _seconds_left(self, task: Any) -> float | None:
        """What is left of ``execution_timeout``, which goes on while a task is deferred."""
        limit: timedelta | None = task.execution_timeout
        if limit is None:
            return None
        start = self._ti.start_date
        if self._ti.next_method and start is not None:
            passed: timedelta = datetime.now(UTC) - start
            return (limit - passed).total_seconds()
        return limit.total_seconds()

    def _on_kill(self) -> None:
        """Tell the operator to stop what it started."""
        if self._task is not None and not isinstance(self._task, MappedOperator):
            try:
                self._task.on_kill()
            except Exception:
                log.exception("on_kill failed")

    def _label_map_index(self) -> None:
        assert self._context is not None
        template = self._context.get("map_index_template")
        if template is not None:
            self._ti.rendered_map_index = render_to_text(self._templates.from_string(template), self._context)

    def _push_result(self, task: Any, value: Any) -> None:
        if not task.do_xcom_push or value is None:
            return
        if task.multiple_outputs:
            if not isinstance(value, Mapping):
                raise AirflowException(
                    f"With multiple_outputs a task returns a dictionary, not a {type(value).__name__}."
                )
            for key in value:
                if not isinstance(key, str):
                    raise AirflowException(
                        f"With multiple_outputs the keys of what a task returns are texts: {key!r} is a "
                        f"{type(key).__name__}."
                    )
            for key, member in value.items():
                self._keep_xcom(key, member)
        self._keep_xcom(XCOM_RETURN_KEY, value)

    def _keep_xcom(self, key: str, value: Any) -> None:
        """Take a value into the result. AirflowException where it has no JSON form."""
        from orchestration.authoring.xcom import LazyXComSelectSequence

        plain = list(value) if isinstance(value, LazyXComSelectSequence) else value
        try:
            text = serde.dumps(plain)
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise AirflowException(
                f"The task's result (XCom {key!r}) cannot be written as JSON: {error} "
                "Return plain values, or set do_xcom_push=False."
            ) from error
        length = len(plain) if isinstance(plain, (list, tuple, dict)) else None
        self._xcoms[key] = (key, text, length)

    def _check_mapped_dependants(self, task: Any, value: Any) -> None:
        """What others expand over must be a list or dict, and not too long."""
        if isinstance(task, MappedOperator) or task.get_closest_mapped_task_group() is not None:
            return
        if next(iter(task.iter_mapped_dependants()), None) is None:
            return
        from orchestration.authoring.expandinput import is_mappable
        from orchestration.authoring.xcom import LazyXComSelectSequence

        if value is None:
            raise XComForMappingNotPushed
        if not is_mappable(value) and not isinstance(value, LazyXComSelectSequence):
            raise UnmappableXComTypePushed(value)
        longest = conf.getint("core", "max_map_length")
        if len(value) > longest:
            raise UnmappableXComLengthPushed(value, longest)

    # Ends

    def _finished(self, state: str) -> Result:
        ended_at = self._mark(state)
        self._call(self._ti.task.on_success_callback, "success")
        changes = self._changes() if state == "success" else []
        return self._result(state, ended_at=_iso(ended_at), changes=changes)

    def _mark(self, state: str) -> datetime:
        """Note the end, in the log and on the task instance."""
        ti = self._ti
        ended_at = datetime.now(UTC)
        ti.end_date = ended_at
        ti.state = state
        log.info(
            "The try ends as %s: %s.%s%s in %s, from %s to %s",
            state.upper(), ti.dag_id, ti.task_id, f"[{ti.map_index}]" if ti.map_index >= 0 else "", ti.run_id,
            _iso(ti.start_date or self._started_at), _iso(ended_at),
        )  # fmt: skip
        return ended_at

    def _failed(self, error: BaseException, *, is_final: bool = False) -> Result:
        assert self._context is not None
        ti, context = self._ti, self._context
        log.error("The task raised an error", exc_info=(type(error), error, _own_frames(error)))
        context["exception"] = error
        task = ti.task
        retries = not is_final and may_retry(task.retries or 0, ti.try_number, ti.max_tries)
        state = "up_for_retry" if retries else "failed"
        ended_at = self._mark(state)
        self._mail(task, error, state)
        self._call(task.on_retry_callback if retries else task.on_failure_callback, "retry" if retries else "failure")
        more: Result = {"retry_seconds": self._retry_seconds(task)} if retries else {}
        if not retries and self._dag.fail_stop:
            more["stop_except"] = [each.task_id for each in self._dag.tasks if each.is_teardown]
        self._xcoms.clear()
        return self._result(state, ended_at=_iso(ended_at), reason=self._reason(error), **more)

    def _reason(self, error: BaseException) -> str:
        """The error in a line; of a wait that failed also the trigger's own error."""
        trace = (self._ti.next_kwargs or {}).get("traceback") if isinstance(error, TaskDeferralError) else None
        return _reason(error) + (f" – {str(redact(trace[-1])).strip()}"[:LONGEST_REASON] if trace else "")

    def _mail(self, task: Any, error: BaseException, state: str) -> None:
        is_wanted = task.email_on_retry if state == "up_for_retry" else task.email_on_failure
        if not (is_wanted and task.email) or isinstance(task, MappedOperator):
            return
        try:
            assert self._context is not None
            mails.send_alert(self._ti, self._context, task.email, error)
        except Exception:
            log.exception("No mail could be sent to %s", task.email)

    def _retry_seconds(self, task: Any) -> float:
        return delay_seconds(
            _Rules(task),
            dag_id=self._ti.dag_id,
            task_id=self._ti.task_id,
            logical_date=self._ti.execution_date,
            try_number=self._ti.try_number,
        )

    def _deferred(self, wait: TaskDeferred) -> Result:
        ti = self._ti
        try:
            classpath, arguments = wait.trigger.serialize()
            trigger_kwargs = serde.dumps(arguments)
            next_kwargs = frames.from_text(serde.dumps(wait.kwargs or {}))
        except Exception as error:
            failure = AirflowException(f"The trigger's arguments cannot be written as JSON: {error}")
            failure.__cause__ = error
            return self._failed(failure)
        log.info("The task waits as DEFERRED for %s: %s.%s in %s", classpath, ti.dag_id, ti.task_id, ti.run_id)
        return self._result(
            "deferred",
            deferral={
                "classpath": classpath,
                "trigger_kwargs": trigger_kwargs,
                "next_method": wait.method_name,
                "next_kwargs": next_kwargs,
                "timeout_at": _iso(self._wait_until(wait)),
            },
        )

    def _wait_until(self, wait: TaskDeferred) -> datetime | None:
        """When the wait is too long: by its own timeout or the task's, whichever is earlier."""
        moments = [] if wait.timeout is None else [datetime.now(UTC) + wait.timeout]
        if self._ti.task.execution_timeout is not None:
            moments.append((self._ti.start_date or self._started_at) + self._ti.task.execution_timeout)
        return min(moments, default=None)

    def _changes(self) -> list[dict[str, Any]]:
        """The dataset events of the task's outlets; those through aliases once for each URI and extra."""
        assert self._context is not None
        notes = context_get_outlet_events(self._context)
        changes: list[dict[str, Any]] = []
        through: dict[tuple[str, str], dict[str, Any]] = {}
        for outlet in self._ti.task.outlets or ():
            if isinstance(outlet, Dataset):
                changes.append({"uri": outlet.uri, "extra": _json(notes[outlet].extra), "aliases": []})
            elif isinstance(outlet, DatasetAlias):
                for event in notes[outlet].dataset_alias_events:
                    extra = _json(event["extra"])
                    change = through.setdefault(
                        (event["dest_dataset_uri"], serde.dumps(extra)),
                        {"uri": event["dest_dataset_uri"], "extra": extra, "aliases": []},
                    )
                    if event["source_alias_name"] not in change["aliases"]:
                        change["aliases"].append(event["source_alias_name"])
        return changes + list(through.values())

    def _result(self, state: str, **more: Any) -> Result:
        task = self._ti.task
        result = {
            "state": state,
            "ended_at": _iso(datetime.now(UTC)),
            "owner": task.owner,
            "xcoms": list(self._xcoms.values()),
            "skip_task_ids": self._skips,
            "rendered_map_index": self._ti.rendered_map_index,
            **more,
        }
        return {name: value for name, value in result.items() if value not in (None, [])}

    def _call(self, callbacks: Any, kind: str) -> None:
        """Call the user's callbacks; one that fails is logged and harms nothing."""
        for callback in callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []:
            name = getattr(callback, "__name__", type(callback).__name__)
            try:
                if kind != "execute":
                    log.info("The %s callback %s is called", kind, name)
                callback(self._context)
            except Exception:
                log.exception("The %s callback %s failed", kind, name)


class _Rules:
    """An operator's retry rules, as ``retries.RetryRules``."""

    def __init__(self, task: Any) -> None:
        self.retries: int = task.retries or 0
        self.retry_delay_seconds: float = task.retry_delay.total_seconds()
        self.retry_exponential_backoff = bool(task.retry_exponential_backoff)
        cap: timedelta | None = task.max_retry_delay
        self.max_retry_delay_seconds = None if cap is None else cap.total_seconds()


class _Terminate:
    """What SIGTERM does to a task: the operator is told, then AirflowTaskTerminated is raised in it."""

    def __init__(self, on_kill: Callable[[], None]) -> None:
        self._on_kill = on_kill

    def __call__(self, number: int, frame: FrameType | None) -> None:
        log.error("SIGTERM came: the task and what it started are ended.")
        log.error("It was here:\n%s", "".join(traceback.format_stack(frame)))
        self._on_kill()
        raise AirflowTaskTerminated("The task's process was told to end (SIGTERM).")


def _forget_handler() -> None:
    """In a process that a task forked: SIGTERM simply ends it, also while it waits in C code."""
    if _is_terminable and isinstance(signal.getsignal(signal.SIGTERM), _Terminate):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


#: Whether SIGTERM is ours; asked in each process that is forked, which is cheaper than to ask for the handler.
_is_terminable = False
os.register_at_fork(after_in_child=_forget_handler)


@contextlib.contextmanager
def _terminable(on_kill: Callable[[], None], *, is_last: bool) -> Iterator[None]:
    """Let SIGTERM end the task while it executes; afterwards it has no say where the process has nothing else to do."""
    global _is_terminable
    before = signal.signal(signal.SIGTERM, _Terminate(on_kill))
    _is_terminable = True
    try:
        yield
    finally:
        _is_terminable = False
        signal.signal(signal.SIGTERM, signal.SIG_IGN if is_last else before)


@contextlib.contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise AirflowTaskTimeout in the main thread when the time is over."""
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise AirflowTaskTimeout("The task's execution_timeout is over.")

    def expire() -> NoReturn:
        log.error("The task ran longer than its execution_timeout")
        raise AirflowTaskTimeout("The task ran longer than its execution_timeout.")

    with alarm(seconds, expire):
        yield


def _own_frames(error: BaseException) -> Any:
    """The trace from the task's own code on."""
    trace = error.__traceback__
    here = os.path.dirname(__file__)  # noqa: PTH120 compared with texts
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    return trace or error.__traceback__


def _reason(error: BaseException) -> str:
    text = str(redact(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__))
    return text[:LONGEST_REASON].replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _json(value: Any) -> Any:
    return frames.from_text(serde.dumps(value))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
