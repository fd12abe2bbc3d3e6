"""The exceptions that DAG files import from ``airflow.exceptions`` and ``airflow.utils`` under the same names.

``status_code`` is an HTTP status as in the reference; nothing here uses it, clients' code may.
"""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from orchestration.authoring.trigger_rule import TriggerRule


class AirflowException(Exception):
    """The base of all errors that DAG files may expect."""

    status_code = HTTPStatus.INTERNAL_SERVER_ERROR


class AirflowBadRequest(AirflowException):
    """A request that cannot be understood."""

    status_code = HTTPStatus.BAD_REQUEST


class AirflowNotFoundException(AirflowException):
    """A named thing does not exist."""

    status_code = HTTPStatus.NOT_FOUND


class AirflowConfigException(AirflowException):
    """An option is missing or wrong."""


class AirflowSensorTimeout(AirflowException):
    """A sensor waited longer than its ``timeout``."""


class AirflowRescheduleException(AirflowException):
    """Raised by a task that wants to run again at ``reschedule_date``, giving its slot back until then."""

    def __init__(self, reschedule_date: datetime) -> None:
        super().__init__()
        self.reschedule_date = reschedule_date


class InvalidStatsNameException(AirflowException):
    """A metric's name is not allowed."""


class AirflowTaskTimeout(BaseException):
    """A task ran longer than its ``execution_timeout``; no ``except Exception`` catches it."""


class AirflowTaskTerminated(BaseException):
    """A task was told to end; no ``except Exception`` catches it."""


class AirflowWebServerTimeout(AirflowException):
    """The web server did not answer in time."""


class AirflowSkipException(AirflowException):
    """Raised by a task to end as skipped."""


class AirflowFailException(AirflowException):
    """Raised by a task to fail at once, whatever retries are left."""


class AirflowOptionalProviderFeatureException(AirflowException):
    """A feature needs a package that is not installed."""


class AirflowInternalRuntimeError(BaseException):
    """Something went wrong that user code must not catch."""


class XComNotFound(AirflowException):
    """The XCom that an argument refers to was never pushed."""

    def __init__(self, dag_id: str, task_id: str, key: str) -> None:
        super().__init__()
        self.dag_id, self.task_id, self.key = dag_id, task_id, key

    def __str__(self) -> str:
        return f"Task {self.task_id!r} of DAG {self.dag_id!r} pushed no XCom {self.key!r} in this run"


class UnmappableOperator(AirflowException):
    """The operator's class cannot be mapped."""


class XComForMappingNotPushed(AirflowException):
    """A task whose result others expand over returned nothing."""

    def __str__(self) -> str:
        return "The task returned nothing, and another one expands over its result: return a list or a dict"


class UnmappableXComTypePushed(AirflowException):
    """A task whose result others expand over returned something that is no list or dict."""

    def __init__(self, value: Any, *values: Any) -> None:
        super().__init__(value, *values)

    def __str__(self) -> str:
        name = type(self.args[0]).__qualname__
        for inner in self.args[1:]:
            name = f"{name}[{type(inner).__qualname__}]"
        return f"The result is of type {name}, and another task expands over it: return a list or a dict"


class UnmappableXComLengthPushed(AirflowException):
    """A task whose result others expand over returned more items than ``core.max_map_length``."""

    def __init__(self, value: Sized, max_length: int) -> None:
        super().__init__(value)
        self.value, self.max_length = value, max_length

    def __str__(self) -> str:
        return (
            f"The task returned {len(self.value)} members, and another one expands over them: "
            f"core.max_map_length allows {self.max_length}"
        )


class AirflowDagCycleException(AirflowException):
    """The DAG's edges form a circle."""


class AirflowDagDuplicatedIdException(AirflowException):
    """Another file defines a DAG of this id."""

    def __init__(self, dag_id: str, incoming: str, existing: str) -> None:
        super().__init__(dag_id, incoming, existing)
        self.dag_id, self.incoming, self.existing = dag_id, incoming, existing

    def __str__(self) -> str:
        return f"DAG {self.dag_id!r} from {self.incoming} is left out: {self.existing} defines that id already"


class AirflowDagInconsistent(AirflowException):
    """A DAG's attributes contradict each other."""


class AirflowClusterPolicyViolation(AirflowException):
    """A DAG breaks a rule of the installation."""


class AirflowClusterPolicySkipDag(AirflowException):
    """A rule of the installation leaves the DAG out."""


class AirflowClusterPolicyError(AirflowException):
    """A rule of the installation failed itself."""


class AirflowTimetableInvalid(AirflowException):
    """A schedule cannot be understood."""


class DagNotFound(AirflowNotFoundException):
    """There is no such DAG."""


class DagCodeNotFound(AirflowNotFoundException):
    """There is no source of such a DAG."""


class DagRunNotFound(AirflowNotFoundException):
    """There is no such run."""


class DagRunAlreadyExists(AirflowBadRequest):
    """A run with this id or logical date exists."""

    def __init__(self, dag_run: Any, execution_date: datetime | None = None, run_id: str | None = None) -> None:
        super().__init__(f"DAG {dag_run.dag_id!r} has a run {run_id!r}, or one of {execution_date}, already")
        self.dag_run, self.execution_date, self.run_id = dag_run, execution_date, run_id


class DagFileExists(AirflowBadRequest):
    """The DAG's file is still in the folder."""


class FailStopDagInvalidTriggerRule(AirflowException):
    """A DAG with ``fail_stop`` has a task whose trigger rule is not the default."""

    _allowed_rules = (TriggerRule.ALL_SUCCESS, TriggerRule.ALL_DONE_SETUP_SUCCESS)

    @classmethod
    def check(cls, *, dag: Any, trigger_rule: TriggerRule) -> None:
        """Raise this exception where the DAG stops at failures and the rule is another than the default."""
        if dag is not None and dag.fail_stop and trigger_rule not in cls._allowed_rules:
            raise cls

    def __str__(self) -> str:
        return f"With fail_stop every task of the DAG has the trigger rule {TriggerRule.ALL_SUCCESS}"


class DuplicateTaskIdFound(AirflowException):
    """Two tasks or groups of a DAG have one id."""


class TaskAlreadyInTaskGroup(AirflowException):
    """A task was added to a second group."""

    def __init__(self, task_id: str, existing_group_id: str | None, new_group_id: str | None) -> None:
        super().__init__(task_id, new_group_id)
        self.task_id, self.existing_group_id, self.new_group_id = task_id, existing_group_id, new_group_id

    def __str__(self) -> str:
        existing = "the DAG's root group" if self.existing_group_id is None else f"group {self.existing_group_id!r}"
        return f"Task {self.task_id!r} is in {existing}, and so cannot go into {self.new_group_id!r}"


class SerializationError(AirflowException):
    """A value cannot be written as JSON."""


class ParamValidationError(AirflowException):
    """A param's value breaks its schema."""


class TaskNotFound(AirflowNotFoundException):
    """There is no such task."""


class TaskInstanceNotFound(AirflowNotFoundException):
    """There is no such task instance."""


class PoolNotFound(AirflowNotFoundException):
    """There is no such pool."""


class NoAvailablePoolSlot(AirflowException):
    """The pool is full."""


class DagConcurrencyLimitReached(AirflowException):
    """The DAG runs as many tasks as it may."""


class TaskConcurrencyLimitReached(AirflowException):
    """The task runs as many instances as it may."""


class BackfillUnfinished(AirflowException):
    """Not every task of a backfill succeeded."""

    def __init__(self, message: str, ti_status: Any) -> None:
        super().__init__(message)
        self.ti_status = ti_status


class FileSyntaxError(NamedTuple):
    """One error in a file of connections or variables."""

    line_no: int | None
    message: str

    def __str__(self) -> str:
        return f"line {self.line_no}: {self.message}"


class AirflowFileParseException(AirflowException):
    """A file of connections or variables cannot be read; ``parse_errors`` tells where."""

    def __init__(self, msg: str, file_path: str, parse_errors: list[FileSyntaxError]) -> None:
        super().__init__(msg)
        self.msg, self.file_path, self.parse_errors = msg, file_path, parse_errors

    def __str__(self) -> str:
        return "\n".join([f"{self.file_path}: {self.msg}", *map(str, self.parse_errors)])


class AirflowUnsupportedFileTypeException(AirflowException):
    """A file has an ending that cannot be read."""


class ConnectionNotUnique(AirflowException):
    """One connection id has several values."""


class TaskDeferred(BaseException):
    """Raised by ``BaseOperator.defer``: the task gives its process back until ``trigger`` fires.

    ``method_name`` is called then with ``kwargs`` and the event; ``timeout`` limits the wait.
    """

    def __init__(
        self,
        *,
        trigger: Any,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | None = None,
    ) -> None:
        super().__init__()
        if timeout is not None and not hasattr(timeout, "total_seconds"):
            raise ValueError(f"timeout must be a timedelta, not {type(timeout).__name__}")
        self.trigger, self.method_name, self.kwargs, self.timeout = trigger, method_name, kwargs, timeout

    def __repr__(self) -> str:
        return f"<TaskDeferred trigger={self.trigger} method={self.method_name}>"


class TaskDeferralError(AirflowException):
    """The wait of a deferred task failed."""


class PodMutationHookException(AirflowException):
    """A hook that changes pods failed."""


class PodReconciliationError(AirflowException):
    """Two descriptions of a pod cannot be joined."""


class RemovedInAirflow3Warning(DeprecationWarning):
    """A feature that Airflow 3 no longer has."""

    deprecated_since: str | None = None


class AirflowProviderDeprecationWarning(DeprecationWarning):
    """A feature that a provider is about to drop."""

    deprecated_provider_since: str | None = None


class DeserializingResultError(ValueError):
    """A result of another interpreter cannot be read."""

    def __str__(self) -> str:
        return f"The result cannot be read back; both interpreters need the same major Python version: {self.__cause__}"


class UnknownExecutorException(ValueError):
    """A task names an executor that is not configured."""


def _show_as_airflow() -> None:
    """Let traces and messages name the exceptions as DAG files import them."""
    for value in list(globals().values()):
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == __name__:
            value._airflow_module = "airflow.exceptions"  # type: ignore[attr-defined]  # read by alias.airflow_module


_show_as_airflow()
