"""Waiting for other DAGs. Mirrors ``airflow.sensors.external_task``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.authoring import store
from orchestration.authoring.context import Context, context_copy_partial
from orchestration.authoring.exceptions import AirflowException, AirflowSkipException
from orchestration.authoring.operator_helpers import determine_kwargs
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.links import ExternalDagLink
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.authoring.triggers.external_task import WorkflowTrigger, count_external
from orchestration.conf import conf
from orchestration.states import DagRunState, TaskInstanceState

TASK_STATES = frozenset(state.value for state in TaskInstanceState if state) | {None}
DAG_STATES = frozenset(state.value for state in DagRunState)


class ExternalTaskSensor(BaseSensorOperator):
    """Waits for a DAG, some of its tasks, or one of its groups at the same logical date.

    ``execution_delta`` looks that much earlier; ``execution_date_fn(logical_date, **context)`` gives the date or dates.
    Done when all are in ``allowed_states`` (default success), failed when one is in ``failed_states``, skipped when one
    is in ``skipped_states``; without these it waits on. ``check_existence`` fails at once where there is no such thing.
    ``deferrable`` waits without a process and asks every ``poll_interval`` seconds.
    """

    template_fields: Sequence[str] = (
        "external_dag_id",
        "external_task_id",
        "external_task_ids",
        "external_task_group_id",
    )
    ui_color = "#4db7db"
    operator_extra_links = [ExternalDagLink()]

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str | None = None,
        external_task_ids: Collection[str] | None = None,
        external_task_group_id: str | None = None,
        allowed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        execution_delta: timedelta | None = None,
        execution_date_fn: Callable[..., Any] | None = None,
        check_existence: bool = False,
        poll_interval: float = 2.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable"),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.allowed_states = _state_names(allowed_states) or [TaskInstanceState.SUCCESS.value]
        self.skipped_states = _state_names(skipped_states)
        self.failed_states = _state_names(failed_states)
        every = [*self.allowed_states, *self.skipped_states, *self.failed_states]
        if len(set(every)) != len(every):
            raise AirflowException("Duplicate values provided across allowed_states, skipped_states and failed_states.")
        if external_task_id is not None and external_task_ids:
            raise ValueError(
                "Only one of `external_task_id` or `external_task_ids` may be provided to ExternalTaskSensor; "
                "use external_task_id or external_task_ids or external_task_group_id."
            )
        if external_task_id is not None:
            external_task_ids = [external_task_id]
        if external_task_group_id is not None and external_task_ids:
            raise ValueError(
                "Only one of `external_task_group_id` or `external_task_ids` may be provided to ExternalTaskSensor; "
                "use external_task_id or external_task_ids or external_task_group_id."
            )
        waits_for_tasks = bool(external_task_ids or external_task_group_id)
        known = TASK_STATES if waits_for_tasks else DAG_STATES
        if not known.issuperset(every):
            raise ValueError(
                "Valid values for `allowed_states`, `skipped_states` and `failed_states` when `external_task_id`, "
                f"`external_task_ids` or `external_task_group_id` is {'given' if waits_for_tasks else '`None`'}: "
                f"{sorted(known, key=str)}"
            )
        if execution_delta is not None and execution_date_fn is not None:
            raise ValueError(
                "Only one of `execution_delta` or `execution_date_fn` may be provided to ExternalTaskSensor; not both."
            )
        self.execution_delta = execution_delta
        self.execution_date_fn = execution_date_fn
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.external_task_ids = external_task_ids or None
        self.external_task_group_id = external_task_group_id
        self.check_existence = check_existence
        self._has_checked_existence = False
        self.deferrable = deferrable
        self.poll_interval = poll_interval

    def poke(self, context: Context) -> bool:
        """Look at the other DAG once."""
        if self.external_task_ids and len(self.external_task_ids) > len(set(self.external_task_ids)):
            raise ValueError("Duplicate task_ids passed in external_task_ids parameter")
        dates = self._get_dttm_filter(context)
        self.log.info("Poking for %s on %s ...", self._target(), ",".join(date.isoformat() for date in dates))
        if self.check_existence and not self._has_checked_existence:
            self._check_for_existence()
        if self.failed_states and self._count(dates, self.failed_states) > 0:
            message = f"{self._target()} failed."
            raise (
                AirflowSkipException(f"{message} Skipping due to soft_fail.")
                if self.soft_fail
                else AirflowException(message)
            )
        if self.skipped_states and self._count(dates, self.skipped_states) > 0:
            raise AirflowSkipException(f"{self._target()} reached a state in our states-to-skip-on list. Skipping.")
        return self._count(dates, self.allowed_states) == len(dates)

    def execute(self, context: Context) -> None:
        """Wait here or in the triggerer."""
        if not self.deferrable:
            super().execute(context)
            return
        if self.check_existence:
            self._check_for_existence()
        self.defer(
            trigger=WorkflowTrigger(
                external_dag_id=self.external_dag_id,
                external_task_ids=self.external_task_ids,
                external_task_group_id=self.external_task_group_id,
                execution_dates=self._get_dttm_filter(context),
                failed_states=self.failed_states,
                skipped_states=self.skipped_states,
                allowed_states=self.allowed_states,
                poke_interval=self.poll_interval,
                soft_fail=self.soft_fail,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> None:
        """Judge what the trigger saw."""
        if event["status"] == "success":
            self.log.info("%s ended as wanted.", self._target())
        elif event["status"] == "skipped":
            raise AirflowSkipException("External job has skipped skipping.")
        elif self.soft_fail:
            raise AirflowSkipException("External job has failed skipping.")
        else:
            raise AirflowException(f"{self._target()} failed.")

    def _target(self) -> str:
        if self.external_task_ids:
            return f"External tasks {list(self.external_task_ids)} in DAG {self.external_dag_id}"
        if self.external_task_group_id:
            return f"The external task_group '{self.external_task_group_id}' in DAG '{self.external_dag_id}'"
        return f"The external DAG {self.external_dag_id}"

    def _count(self, dates: list[datetime], states: list[str]) -> float:
        return count_external(
            dates,
            self.external_dag_id,
            states,
            external_task_ids=self.external_task_ids,
            external_task_group_id=self.external_task_group_id,
        )

    def _get_dttm_filter(self, context: Context) -> list[datetime]:
        """The logical dates to look at."""
        moment: Any = context["logical_date"]
        if self.execution_delta:
            moment -= self.execution_delta
        elif self.execution_date_fn:
            offered = context_copy_partial(context, set(context) - {"execution_date", "logical_date"})
            offered["context"] = context
            moment = self.execution_date_fn(moment, **determine_kwargs(self.execution_date_fn, [moment], offered))
        return list(moment) if isinstance(moment, (list, tuple)) else [moment]

    def _check_for_existence(self) -> None:
        dag = store.current().get_dag(self.external_dag_id)
        if dag is None:
            raise AirflowException(f"The external DAG {self.external_dag_id} does not exist.")
        # A DAG in a zip file has a path below that file.
        file = Path(dag["fileloc"])
        if not any(place.exists() for place in (file, *file.parents) if place.suffix in {".py", ".zip"}):
            raise AirflowException(f"The external DAG {self.external_dag_id} was deleted.")
        for task_id in self.external_task_ids or ():
            if task_id not in dag["task_ids"]:
                raise AirflowException(f"The external task {task_id} in DAG {self.external_dag_id} does not exist.")
        group_id = self.external_task_group_id
        if group_id and group_id not in dag["group_ids"]:
            raise AirflowException(
                f"The external task group '{group_id}' in DAG '{self.external_dag_id}' does not exist."
            )
        self._has_checked_existence = True


class ExternalTaskMarker(EmptyOperator):
    """Says that a task of another DAG depends on this one, so that clearing this one can clear that one, too.

    ``execution_date`` is the logical date of the other's run, ``recursion_depth`` the number of markers followed.
    """

    template_fields: Sequence[str] = ("external_dag_id", "external_task_id", "execution_date")
    ui_color = "#4db7db"
    operator_extra_links = [ExternalDagLink()]

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str,
        execution_date: str | datetime | None = "{{ logical_date.isoformat() }}",
        recursion_depth: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(execution_date, (str, datetime)):
            raise TypeError(f"Expected str or datetime.datetime type for execution_date. Got {type(execution_date)}")
        if recursion_depth <= 0:
            raise ValueError("recursion_depth should be a positive integer")
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.execution_date = execution_date if isinstance(execution_date, str) else execution_date.isoformat()
        self.recursion_depth = recursion_depth


def _state_names(states: Iterable[str] | None) -> list[Any]:
    return [getattr(state, "value", state) for state in states or ()]
