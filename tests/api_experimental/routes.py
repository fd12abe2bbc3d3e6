"""Every address and method of the legacy API, with who may call it: the same as the stable API's operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestration.access.requirements import BY_ID


@dataclass(frozen=True)
class Call:
    """One call that works for who may do it; ``operation`` is the stable API's that does the same."""

    method: str
    path: str
    operation: str | None = None
    body: Any = None
    any_dag: bool = False
    changes: bool = False
    #: What is not said in the operation's permissions.
    also: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """The (action, resource) pairs that are asked."""
        asked = {tuple(pair) for pair in BY_ID[self.operation].pairs} if self.operation else set()
        return asked - {("can_read", "DAGs")} if self.any_dag else asked


CALLS = (
    Call("GET", "/test"),
    Call("GET", "/info"),
    Call("GET", "/latest_runs", "get_dag_runs", any_dag=True),
    Call("GET", "/dags/d1/code", "get_dag_source"),
    Call("GET", "/dags/d1/paused", "get_dag"),
    Call("GET", "/dags/d1/paused/true", "patch_dag", changes=True),
    Call("GET", "/dags/d1/tasks/a", "get_task"),
    Call("GET", "/dags/d1/dag_runs", "get_dag_runs"),
    Call("POST", "/dags/d1/dag_runs", "post_dag_run", {"run_id": "new"}, changes=True),
    Call("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00", "get_dag_run"),
    Call("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00/tasks/a", "get_task_instance"),
    Call("GET", "/lineage/d1/2022-01-01T00:00:00", "get_xcom_entries"),
    Call("GET", "/lineage/d1/2022-01-01T00:00:00/", "get_xcom_entries"),
    Call("GET", "/pools", "get_pools"),
    Call("GET", "/pools/p1", "get_pool"),
    Call("POST", "/pools", "post_pool", {"name": "p2", "slots": 1, "description": ""}, changes=True),
    Call("DELETE", "/pools/p1", "delete_pool", changes=True),
    Call("DELETE", "/dags/d1", "delete_dag", changes=True),
    Call("DELETE", "/dags/d1/delete_dag", "delete_dag", changes=True),
)
