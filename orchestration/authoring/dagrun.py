"""A DAG run as tasks and callbacks see it. Mirrors what DAG files use of ``airflow.models.dagrun``.

The values are read-only; other runs come through the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.authoring import store, timezone
from orchestration.authoring.columns import columns
from orchestration.authoring.types import DagRunType

if TYPE_CHECKING:
    from pendulum import DateTime

    from orchestration.authoring.dag import DAG
    from orchestration.authoring.taskinstance import TaskInstance
    from orchestration.states import DagRunState

_MOMENTS = ("logical_date", "data_interval_start", "data_interval_end", "queued_at", "start_date", "end_date")


@columns(
    "id dag_id run_id run_type state execution_date logical_date data_interval_start data_interval_end "
    "queued_at start_date end_date external_trigger conf creating_job_id dag_hash last_scheduling_decision "
    "updated_at"
)
@dataclass(eq=False)
class DagRun:
    """One run: its dates, its conf, its state when it was read."""

    dag_id: str = ""
    run_id: str = ""
    run_type: str = DagRunType.MANUAL
    state: str | None = None
    logical_date: Any = None
    data_interval_start: Any = None
    data_interval_end: Any = None
    queued_at: Any = None
    start_date: Any = None
    end_date: Any = None
    external_trigger: bool = False
    conf: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    id: int = 0
    dag: Any = None

    @classmethod
    def of(cls, value: Mapping[str, Any], dag: DAG | None = None) -> DagRun:
        """The run of the store's value (``store.RunValue``)."""
        fields = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        for name in _MOMENTS:
            fields[name] = parse_moment(value.get(name))
        fields["conf"] = value.get("conf") or {}
        return cls(**fields, dag=dag)

    def __repr__(self) -> str:
        return (
            f"<DagRun {self.dag_id} @ {self.logical_date}: {self.run_id}, state:{self.state}, "
            f"queued_at: {self.queued_at}. externally triggered: {self.external_trigger}>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DagRun):
            return NotImplemented
        return (self.dag_id, self.run_id) == (other.dag_id, other.run_id)

    def __hash__(self) -> int:
        return hash((self.dag_id, self.run_id))

    @property
    def execution_date(self) -> DateTime:
        """The old name of ``logical_date``."""
        moment: DateTime = self.logical_date
        return moment

    @property
    def is_backfill(self) -> bool:
        """Whether a backfill made the run."""
        return self.run_type == DagRunType.BACKFILL_JOB

    @property
    def has_run_id(self) -> bool:
        """Whether the run has an id."""
        return bool(self.run_id)

    @property
    def consumed_dataset_events(self) -> list[Any]:
        """The dataset events that made the run."""
        from orchestration.authoring.outlet_events import triggering_events

        return [event for events in triggering_events(self.id).values() for event in events]

    def get_state(self) -> str | None:
        """The run's state."""
        return self.state

    def refresh_from_db(self, session: Any = None) -> None:
        """Read the run again."""
        for fresh in self.find(dag_id=self.dag_id, run_id=self.run_id):
            self.__dict__.update({**vars(fresh), "dag": self.dag})

    def get_dag(self) -> DAG:
        """The run's DAG, where it is known in this process; otherwise AttributeError."""
        if self.dag is None:
            raise AttributeError(f"The DAG of {self.run_id} is not loaded in this process")
        dag: DAG = self.dag
        return dag

    def get_task_instances(
        self, state: str | Iterable[str | None] | None = None, session: Any = None
    ) -> list[TaskInstance]:
        """The run's task instances, of the given states."""
        from orchestration.authoring.taskinstance import TaskInstance

        states = None if state is None else [state] if isinstance(state, str) else [wanted or "" for wanted in state]
        found = store.current().get_task_instances(dag_id=self.dag_id, run_ids=[self.run_id], states=states)
        return [TaskInstance.other(value, self) for value in found]

    def get_task_instance(self, task_id: str, session: Any = None, *, map_index: int = -1) -> TaskInstance | None:
        """One task instance; None without it."""
        from orchestration.authoring.taskinstance import TaskInstance

        return TaskInstance.find_one(self.dag_id, self.run_id, task_id, map_index, run=self)

    def get_previous_dagrun(self, state: DagRunState | str | None = None, session: Any = None) -> DagRun | None:
        """The run before, by logical date; of the given state."""
        return self._latest_before(states=None if state is None else [str(state)])

    def get_previous_scheduled_dagrun(self, session: Any = None) -> DagRun | None:
        """The scheduled run before, by logical date."""
        return self._latest_before(run_type=DagRunType.SCHEDULED)

    def _latest_before(self, **filters: Any) -> DagRun | None:
        found = store.current().get_dag_runs(
            dag_id=self.dag_id, logical_date_lt=self.logical_date.isoformat(), latest_first=True, limit=1, **filters
        )
        return DagRun.of(found[0], self.dag) if found else None

    @classmethod
    def find(
        cls,
        dag_id: str | list[str] | None = None,
        run_id: str | Iterable[str] | None = None,
        execution_date: datetime | Iterable[datetime] | None = None,
        state: DagRunState | str | None = None,
        external_trigger: bool | None = None,
        no_backfills: bool = False,
        run_type: str | None = None,
        session: Any = None,
        execution_start_date: datetime | None = None,
        execution_end_date: datetime | None = None,
    ) -> list[DagRun]:
        """The fitting runs of one or several DAGs, by logical date. ValueError without a DAG."""
        if not dag_id:
            raise ValueError("DagRun.find needs a dag_id")
        run_ids = [run_id] if isinstance(run_id, str) else None if run_id is None else list(run_id)
        dates = [execution_date] if isinstance(execution_date, datetime) else list(execution_date or ()) or None
        found: list[DagRun] = []
        for one in [dag_id] if isinstance(dag_id, str) else dag_id:
            values = store.current().get_dag_runs(
                dag_id=one,
                run_ids=run_ids,
                logical_dates=None if dates is None else [_iso(date) for date in dates],
                states=None if state is None else [str(state)],
                run_type=None if run_type is None else str(run_type),
                logical_date_gte=None if execution_start_date is None else _iso(execution_start_date),
                logical_date_lte=None if execution_end_date is None else _iso(execution_end_date),
            )
            found += [cls.of(value) for value in values]
        return sorted(
            (
                run
                for run in found
                if (external_trigger is None or run.external_trigger is external_trigger)
                and not (no_backfills and run.is_backfill)
            ),
            key=lambda run: run.logical_date,
        )

    @classmethod
    def find_duplicate(cls, dag_id: str, run_id: str, execution_date: datetime, session: Any = None) -> DagRun | None:
        """A run with this id or this logical date."""
        found = cls.find(dag_id=dag_id, run_id=run_id) or cls.find(dag_id=dag_id, execution_date=execution_date)
        return found[0] if found else None

    @staticmethod
    def generate_run_id(run_type: DagRunType | str, execution_date: datetime) -> str:
        """The id a run of that type and logical date gets."""
        return DagRunType(run_type).generate_run_id(execution_date)


def parse_moment(text: str | datetime | None) -> Any:
    """The moment of an ISO 8601 text, in UTC; None stays None."""
    if text is None or text == "":
        return None
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return timezone.convert_to_utc(moment)


def _iso(moment: datetime) -> str:
    return timezone.convert_to_utc(moment).isoformat()
