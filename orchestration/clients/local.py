"""The system through the database of this machine: the same services as the APIs, and no question of permission."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from orchestration.clients.base import Clearing, ConnectionValue, InstanceValue, PoolValue, RunValue, VariableValue
from orchestration.clients.moments import as_moment
from orchestration.clients.sentences import no_dag, no_instance, no_run
from orchestration.errors import Conflict, NotFound
from orchestration.models import Connection, Dag, DagRun, Pool, TaskInstance, Variable, versions
from orchestration.services import connections, dag_runs, dags, pools, task_instances, variables

_CONNECTION_FIELDS = ("conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra")


class LocalClient:
    """See ``base.Client``."""

    def dag_ids(self) -> list[str]:
        return list(Dag.objects.active().order_by("pk").values_list("pk", flat=True))

    def is_paused(self, dag_id: str) -> bool:
        return bool(_dag(dag_id).is_paused)

    def set_paused(self, dag_id: str, is_paused: bool) -> None:
        (dags.pause if is_paused else dags.unpause)(_dag(dag_id), actor=None)

    def delete_dag(self, dag_id: str) -> str:
        return f"Removed {dags.delete(_dag(dag_id), actor=None)} record(s)"

    def trigger(
        self,
        dag_id: str,
        *,
        run_id: str | None,
        conf: dict[str, Any] | None,
        logical_date: datetime | None,
        replace_microseconds: bool,
    ) -> RunValue:
        moment = logical_date or timezone.now()
        if replace_microseconds:
            moment = moment.replace(microsecond=0)
        return _run_value(
            dag_runs.trigger(_dag(dag_id), actor=None, run_id=run_id or None, conf=conf, logical_date=moment)
        )

    def runs(
        self, dag_id: str, *, state: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[RunValue]:
        found = DagRun.objects.filter(dag=_dag(dag_id)).order_by("-logical_date")
        if state:
            found = found.filter(state=state)
        if start:
            found = found.filter(logical_date__gte=start)
        if end:
            found = found.filter(logical_date__lte=end)
        return [_run_value(run) for run in found.iterator()]

    def task_ids(self, dag_id: str) -> list[str]:
        _dag(dag_id)
        return list(versions.current(dag_id).tasks)

    def clear(self, dag_id: str, what: Clearing, *, dry_run: bool) -> list[InstanceValue]:
        _dag(dag_id)
        cleared = task_instances.clear(
            versions.current(dag_id),
            actor=None,
            task_ids=what.task_ids,
            start_date=what.start,
            end_date=what.end,
            include_upstream=what.upstream,
            include_downstream=what.downstream,
            only_failed=what.only_failed,
            only_running=what.only_running,
            include_subdags=True,
            include_parentdag=True,
            dry_run=dry_run,
        )
        return [_instance_value(instance) for instance in cleared]

    def instance(self, dag_id: str, task_id: str, run: str, map_index: int) -> InstanceValue:
        found = (
            TaskInstance.objects.select_related("run")
            .filter(run=find_run(dag_id, run), task_id=task_id, map_index=map_index)
            .first()
        )
        if found is None:
            raise NotFound(no_instance(dag_id, task_id, run, map_index))
        return _instance_value(found)

    def pools(self) -> list[PoolValue]:
        return [_pool_value(pool) for pool in Pool.objects.order_by("pk")]

    def pool(self, name: str) -> PoolValue:
        return _pool_value(pools.find(name))

    def set_pool(self, pool: PoolValue) -> None:
        fields: dict[str, Any] = {
            "slots": pool.slots,
            "description": pool.description,
            "include_deferred": pool.include_deferred,
        }
        existing = Pool.objects.filter(name=pool.name).first()
        if existing is not None:
            pools.update(existing, actor=None, **fields)
            return
        try:
            pools.create(actor=None, name=pool.name, **fields)
        except Conflict:  # made by another just now
            pools.update(pools.find(pool.name), actor=None, **fields)

    def delete_pool(self, name: str) -> None:
        pools.delete(pools.find(name), actor=None)

    def variables(self) -> list[VariableValue]:
        return [_variable_value(variable) for variable in Variable.objects.order_by("pk")]

    def variable(self, key: str) -> VariableValue:
        return _variable_value(variables.find(key))

    def set_variable(self, variable: VariableValue) -> None:
        variables.put(actor=None, key=variable.key, val=variable.val or "", description=variable.description)

    def delete_variable(self, key: str) -> bool:
        try:
            variables.delete(variables.find(key), actor=None)
        except NotFound:
            return False
        return True

    def connections(self) -> list[ConnectionValue]:
        return [_connection_value(connection) for connection in Connection.objects.order_by("pk")]

    def connection(self, conn_id: str) -> ConnectionValue:
        return _connection_value(connections.find(conn_id))

    def add_connection(self, connection: ConnectionValue) -> None:
        connections.create(actor=None, **_fields(connection))

    def replace_connection(self, connection: ConnectionValue) -> None:
        connections.update(connections.find(connection.conn_id), actor=None, **_fields(connection))

    def delete_connection(self, conn_id: str) -> None:
        connections.delete(connections.find(conn_id), actor=None)


def find_run(dag_id: str, word: str) -> DagRun:
    """The run of this id or logical date; raises NotFound."""
    found = DagRun.objects.filter(dag_id=dag_id, run_id=word).first()
    moment = as_moment(word) if found is None else None
    if moment is not None:
        found = DagRun.objects.filter(dag_id=dag_id, logical_date=moment).first()
    if found is None:
        raise NotFound(no_run(dag_id, word))
    return found


def _dag(dag_id: str) -> Dag:
    dag = Dag.objects.filter(pk=dag_id).first()
    if dag is None:
        raise NotFound(no_dag(dag_id))
    return dag


def _run_value(run: DagRun) -> RunValue:
    return RunValue(
        dag_id=run.dag_id,
        run_id=run.run_id,
        state=run.state,
        logical_date=run.logical_date,
        run_type=run.run_type,
        data_interval_start=run.data_interval_start,
        data_interval_end=run.data_interval_end,
        start_date=run.start_date,
        end_date=run.end_date,
        last_scheduling_decision=run.last_scheduling_decision,
        external_trigger=run.external_trigger,
        conf=run.conf or {},
    )


def _instance_value(instance: TaskInstance) -> InstanceValue:
    return InstanceValue(
        dag_id=instance.dag_id,
        task_id=instance.task_id,
        run_id=instance.run.run_id,
        map_index=instance.map_index,
        state=instance.state or None,
        logical_date=instance.run.logical_date,
    )


def _pool_value(pool: Pool) -> PoolValue:
    return PoolValue(pool.name, pool.slots, pool.description, pool.include_deferred)


def _variable_value(variable: Variable) -> VariableValue:
    return VariableValue(variable.key, variable.val, variable.description)


def _connection_value(connection: Connection) -> ConnectionValue:
    return ConnectionValue(id=connection.pk, **{name: getattr(connection, name) for name in _CONNECTION_FIELDS})


def _fields(connection: ConnectionValue) -> dict[str, Any]:
    return {name: getattr(connection, name) for name in _CONNECTION_FIELDS}
