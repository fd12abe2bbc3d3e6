"""Names that complete what is typed into a box: of readable rows only, a fixed number of queries, few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Caller, Pair
from orchestration.access.requirements import BY_ID
from orchestration.admin.queries.common import readable
from orchestration.models import Dag, DagRun, DagTag, Pool, TaskInstance, User
from orchestration.models.dag import owners_of

#: Names that are offered.
MOST: Final = 20
#: Rows that are looked through, in tables that hold history without end the newest.
_WINDOW: Final = 20_000
#: Rows that are read where names repeat.
_READ: Final = 400


def dags(user: Caller, text: str) -> Iterable[str]:
    """Ids of DAGs; one query."""
    rows = readable(Dag.objects.active(), user).filter(dag_id__icontains=text)
    return rows.order_by("dag_id").values_list("dag_id", flat=True)[: 10 * MOST]


def tasks(user: Caller, text: str) -> Iterable[str]:
    """Ids of tasks that lately were in a run; two queries."""
    last = TaskInstance.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = readable(TaskInstance.objects.filter(pk__gt=last - _WINDOW, task_id__icontains=text), user)
    return rows.order_by().values_list("task_id", flat=True).distinct()[: 10 * MOST]


def runs(user: Caller, text: str) -> Iterable[str]:
    """Ids of the newest runs; two queries."""
    last = DagRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = readable(DagRun.objects.filter(pk__gt=last - _WINDOW, run_id__icontains=text), user)
    return rows.order_by("-pk").values_list("run_id", flat=True)[:_READ]


def owners(user: Caller, text: str) -> Iterable[str]:
    """Owners of DAGs; one query."""
    rows = readable(Dag.objects.active(), user).filter(owners__icontains=text).order_by("dag_id")
    several = rows.values_list("owners", flat=True)[:_READ]
    return [owner for row in several for owner in owners_of(row) if text.lower() in owner.lower()]


def tags(user: Caller, text: str) -> Iterable[str]:
    """Tags of DAGs; one query."""
    rows = readable(DagTag.objects.filter(name__icontains=text), user)
    return rows.order_by("name").values_list("name", flat=True).distinct()[:_READ]


def users(user: Caller, text: str) -> Iterable[str]:
    """Names of people by name, first name, last name or e-mail; one query."""
    wanted = Q(username__icontains=text) | Q(first_name__icontains=text)
    wanted |= Q(last_name__icontains=text) | Q(email__icontains=text)
    return User.objects.filter(wanted).order_by("username").values_list("username", flat=True)[:_READ]


def pools(user: Caller, text: str) -> Iterable[str]:
    """Names of pools; one query."""
    return Pool.objects.filter(name__icontains=text).order_by("name").values_list("name", flat=True)[:_READ]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is named, and the permissions that reading it asks; a right to one DAG is enough, the rows are filtered."""

    read: Callable[[Caller, str], Iterable[str]]
    pairs: tuple[Pair, ...]


KINDS: Final[Mapping[str, Kind]] = {
    "dag": Kind(dags, BY_ID["get_dags"].pairs),
    "task": Kind(tasks, BY_ID["get_task_instances"].pairs),
    "run": Kind(runs, BY_ID["get_dag_runs"].pairs),
    "owner": Kind(owners, BY_ID["get_dags"].pairs),
    "tag": Kind(tags, BY_ID["get_dags"].pairs),
    "user": Kind(users, (Pair(READ, p.USERS),)),
    "pool": Kind(pools, BY_ID["get_pools"].pairs),
}


def offered(kind: Kind, user: Caller, text: str) -> list[str]:
    """Names that hold the text, each once, those that begin with it first."""
    found = dict.fromkeys(kind.read(user, text))
    return sorted(found, key=lambda name: not name.lower().startswith(text.lower()))[:MOST]
