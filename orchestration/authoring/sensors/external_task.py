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
            raise AirflowException("A state means one thing: it is in allowed_states, skipped_states or failed_states")
        given = {
            "external_task_id": external_task_id is not None,
            "external_task_ids": bool(external_task_ids),
            "external_task_group_id": external_task_group_id is not None,
        }
        if sum(given.values()) > 1:
            names = " and ".join(name for name, is_given in given.items() if is_given)
            raise ValueError(f"A sensor waits for a task, for several, or for a group: {names} is too much")
        if external_task_id is not None:
            external_task_ids = [external_task_id]
        waits_for_tasks = bool(external_task_ids or external_task_group_id)
        known = TASK_STATES if waits_for_tasks else DAG_STATES
        if not known.issuperset(every):
            kind, names = "task" if waits_for_tasks else "DAG run", ", ".join(sorted(map(str, known)))
            raise ValueError(f"The states of a {kind} are {names}; given were {', '.join(map(str, every))}")
        if execution_delta is not None and execution_date_fn is not None:
            raise ValueError("execution_delta and execution_date_fn both say which date to look at: give one of them")
        self.external_dag_id, self.external_task_group_id = external_dag_id, external_task_group_id
        self.external_task_ids, self.external_task_id = external_task_ids or None, external_task_id
        self.execution_date_fn, self.execution_delta = execution_date_fn, execution_delta
        self.check_existence, self._has_checked_existence = check_existence, False
        self.deferrable, self.poll_interval = deferrable, poll_interval

    def poke(self, context: Context) -> bool:
        """Look at the other DAG once."""
        if self.external_task_ids and len(self.external_task_ids) > len(set(self.external_task_ids)):
            raise ValueError(f"external_task_ids names a task twice: {', '.join(sorted(self.external_task_ids))}")
        dates = self._get_dttm_filter(context)
        self.log.info("Looking at %s of %s", self._target(), ", ".join(date.isoformat() for date in dates))
        if self.check_existence and not self._has_checked_existence:
            self._check_for_existence()
        if self.failed_states and self._count(dates, self.failed_states) > 0:
            raise self._failure()
        if self.skipped_states and self._count(dates, self.skipped_states) > 0:
            raise self._skipped()
        return self._count(dates, self.allowed_states) == len(dates)

    def execute(self, context: Context) -> None:
        """Wait here or in the triggerer."""
        if not self.deferrable:
            super().execute(context)
            return
        if self.check_existence:
            self._check_for_existence()
        trigger = WorkflowTrigger(
            self.external_dag_id,
            self._get_dttm_filter(context),
            self.external_task_ids,
            self.external_task_group_id,
            allowed_states=self.allowed_states,
            skipped_states=self.skipped_states,
            failed_states=self.failed_states,
            soft_fail=self.soft_fail,
            poke_interval=self.poll_interval,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=self.execution_timeout)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> None:
        """Judge what the trigger saw."""
        if event["status"] == "skipped":
            raise self._skipped()
        if event["status"] != "success":
            raise self._failure()
        self.log.info("There is what was waited for: %s", self._target())

    def _failure(self) -> AirflowException:
        """What is raised where one of the failed states was seen."""
        text = f"A failed state was seen: {self._target()}"
        return AirflowSkipException(f"{text}; soft_fail skips the sensor") if self.soft_fail else AirflowException(text)

    def _skipped(self) -> AirflowSkipException:
        return AirflowSkipException(f"One of skipped_states was seen: {self._target()}")

    def _target(self) -> str:
        place = f"DAG {self.external_dag_id!r}"
        if self.external_task_ids:
            return f"{', '.join(map(repr, self.external_task_ids))} of {place}"
        return f"group {self.external_task_group_id!r} of {place}" if self.external_task_group_id else place

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
            raise AirflowException(f"There is no DAG {self.external_dag_id!r} to wait for")
        # A DAG in a zip file has a path below that file.
        file = Path(dag["fileloc"])
        if not any(place.exists() for place in (file, *file.parents) if place.suffix in {".py", ".zip"}):
            raise AirflowException(f"The file of DAG {self.external_dag_id!r} is gone, so nothing of it will run")
        if missing := [name for name in self.external_task_ids or () if name not in dag["task_ids"]]:
            raise AirflowException(f"DAG {self.external_dag_id!r} has no task {missing[0]!r} to wait for")
        group_id = self.external_task_group_id
        if group_id and group_id not in dag["group_ids"]:
            raise AirflowException(f"DAG {self.external_dag_id!r} has no group {group_id!r} to wait for")
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
            raise TypeError(f"execution_date is a datetime or a text of one, not {execution_date!r}")
        if recursion_depth <= 0:
            raise ValueError(f"recursion_depth counts the markers to follow, from 1 up, not {recursion_depth}")
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.execution_date = execution_date if isinstance(execution_date, str) else execution_date.isoformat()
        self.recursion_depth = recursion_depth


def _state_names(states: Iterable[str] | None) -> list[Any]:
    return [getattr(state, "value", state) for state in states or ()]
