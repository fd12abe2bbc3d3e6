"""The viewsets, one module per resource. ``ALL`` lists them; a new one is added here."""

from __future__ import annotations

from importlib import import_module

from api_v1.viewsets.base import OperationViewSet

#: ``module:class``, in the order of the document.
_NAMES: tuple[str, ...] = (
    "dags:DagViewSet",
    "tasks:TaskViewSet",
    "dag_runs:DagRunViewSet",
    "waiting:RunWaitViewSet",
    "backfills:BackfillViewSet",
    "task_instances:TaskInstanceViewSet",
    "tasks:LinkViewSet",
    "logs:LogViewSet",
    "xcoms:XComViewSet",
    "dag_sources:DagSourceViewSet",
    "dag_sources:ParseViewSet",
    "dag_stats:DagStatsViewSet",
    "dag_warnings:DagWarningViewSet",
    "import_errors:ImportErrorViewSet",
    "connections:ConnectionViewSet",
    "connections:ConnectionTestViewSet",
    "variables:VariableViewSet",
    "pools:PoolViewSet",
    "datasets:DatasetViewSet",
    "datasets:DatasetEventViewSet",
    "datasets:QueuedEventViewSet",
    "event_logs:EventLogViewSet",
    "config:ConfigViewSet",
    "health:HealthViewSet",
    "version:VersionViewSet",
    "providers:ProviderViewSet",
    "plugins:PluginViewSet",
    "users:UserViewSet",
    "roles:RoleViewSet",
    "permissions:PermissionViewSet",
    "tokens:TokenViewSet",
)


def _load(name: str) -> type[OperationViewSet]:
    module, _, attribute = name.partition(":")
    found: type[OperationViewSet] = getattr(import_module(f"api_v1.viewsets.{module}"), attribute)
    return found


ALL: tuple[type[OperationViewSet], ...] = tuple(map(_load, _NAMES))
