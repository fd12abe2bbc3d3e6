"""Starting runs of other DAGs. Mirrors ``airflow.operators.trigger_dagrun``."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from orchestration.authoring import store, timezone
from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowSkipException,
    DagNotFound,
    DagRunAlreadyExists,
)
from orchestration.authoring.operators.links import XCOM_LOGICAL_DATE_ISO, XCOM_RUN_ID, TriggerDagRunLink
from orchestration.authoring.triggers.external_task import DagStateTrigger
from orchestration.authoring.types import DagRunType
from orchestration.conf import conf
from orchestration.states import DagRunState


class TriggerDagRunOperator(BaseOperator):
    """Makes a run of ``trigger_dag_id`` with ``conf`` at ``logical_date`` (default: now).

    Where such a run exists: ``reset_dag_run`` clears it so that it runs again, ``skip_when_already_exists`` skips the
    task, otherwise DagRunAlreadyExists. ``wait_for_completion`` waits for one of ``allowed_states`` and fails at one of
    ``failed_states``, asking every ``poke_interval`` seconds; ``deferrable`` waits without a process.
    """

    template_fields: Sequence[str] = (
        "trigger_dag_id",
        "trigger_run_id",
        "logical_date",
        "conf",
        "wait_for_completion",
        "skip_when_already_exists",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"conf": "py"}
    ui_color = "#ffefeb"
    operator_extra_links = [TriggerDagRunLink()]

    def __init__(
        self,
        *,
        trigger_dag_id: str,
        trigger_run_id: str | None = None,
        conf: dict[str, Any] | None = None,
        logical_date: str | dt.datetime | None = None,
        reset_dag_run: bool = False,
        wait_for_completion: bool = False,
        poke_interval: int = 60,
        allowed_states: Sequence[str] | None = None,
        failed_states: Sequence[str] | None = None,
        skip_when_already_exists: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable"),
        execution_date: str | dt.datetime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        logical_date = logical_date if execution_date is None else execution_date
        if logical_date is not None and not isinstance(logical_date, (str, dt.datetime)):
            raise TypeError(f"logical_date is a datetime or a text of one, not {logical_date!r}")
        self.trigger_dag_id = trigger_dag_id
        self.trigger_run_id = trigger_run_id
        self.conf = conf
        self.logical_date = logical_date
        self.reset_dag_run = reset_dag_run
        self.wait_for_completion = wait_for_completion
        self.poke_interval = poke_interval
        self.allowed_states = [DagRunState(state) for state in allowed_states or [DagRunState.SUCCESS]]
        self.failed_states = [
            DagRunState(state) for state in ([DagRunState.FAILED] if failed_states is None else failed_states)
        ]
        self.skip_when_already_exists = skip_when_already_exists
        self._defer = deferrable

    def execute(self, context: Context) -> None:
        """Make the run, and wait for it where that is wanted."""
        if isinstance(self.logical_date, dt.datetime):
            moment: dt.datetime = timezone.coerce_datetime(self.logical_date)
        else:
            moment = timezone.parse(self.logical_date) if self.logical_date else timezone.utcnow()
        try:
            json.dumps(self.conf)
        except TypeError:
            raise AirflowException("conf is sent as JSON, and what was given has no JSON form") from None
        run = self._trigger(moment)
        ti = context["ti"]
        ti.xcom_push(key=XCOM_LOGICAL_DATE_ISO, value=run["logical_date"])
        ti.xcom_push(key=XCOM_RUN_ID, value=run["run_id"])
        if not self.wait_for_completion:
            return
        if self._defer:
            trigger = DagStateTrigger(
                dag_id=self.trigger_dag_id,
                states=[*self.allowed_states, *self.failed_states],
                execution_dates=[timezone.parse(run["logical_date"])],
                poll_interval=self.poke_interval,
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        self._wait(run["run_id"])

    def _trigger(self, moment: dt.datetime) -> store.RunValue:
        port = store.current()
        if port.get_dag(self.trigger_dag_id) is None:
            raise DagNotFound(f"There is no DAG {self.trigger_dag_id!r} to trigger")
        run_id = str(self.trigger_run_id) if self.trigger_run_id else DagRunType.MANUAL.generate_run_id(moment)
        try:
            return port.trigger_dag_run(
                dag_id=self.trigger_dag_id,
                run_id=run_id,
                logical_date=moment.isoformat(),
                conf=self.conf,
                reset_dag_run=self.reset_dag_run,
            )
        except store.StoreError as error:
            if "already exists" not in str(error):
                raise AirflowException(str(error)) from error
            if self.skip_when_already_exists:
                raise AirflowSkipException(f"DAG {self.trigger_dag_id!r} has run {run_id!r} already") from error
            raise DagRunAlreadyExists(SimpleNamespace(dag_id=self.trigger_dag_id), moment, run_id) from error

    def _wait(self, run_id: str) -> None:
        while True:
            self.log.info("Run %s of DAG %s is not over yet", run_id, self.trigger_dag_id)
            time.sleep(self.poke_interval)
            if self._is_over(store.current().get_dag_runs(dag_id=self.trigger_dag_id, run_ids=[run_id])):
                return

    def execute_complete(self, context: Context, event: Any) -> None:
        """Judge the run's state after the wait."""
        moment = event[1]["execution_dates"][0]
        text = moment if isinstance(moment, str) else moment.isoformat()
        runs = store.current().get_dag_runs(dag_id=self.trigger_dag_id, logical_dates=[text])
        if not self._is_over(runs):
            raise AirflowException(
                f"The run of DAG {self.trigger_dag_id!r} is {runs[0]['state']}, "
                "which is neither among allowed_states nor among failed_states"
            )

    def _is_over(self, runs: list[store.RunValue]) -> bool:
        """Whether the run succeeded; AirflowException where it failed or is gone."""
        if not runs:
            raise AirflowException(f"The run of DAG {self.trigger_dag_id!r} is gone")
        state = DagRunState(runs[0]["state"])
        if state in self.failed_states:
            raise AirflowException(f"The run of DAG {self.trigger_dag_id!r} is {state}, one of failed_states")
        self.log.info("The run of DAG %s is %s", self.trigger_dag_id, state)
        return state in self.allowed_states
