"""The list of DAGs, and its switch."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page, Verb
from orchestration.admin.queries import dags as read
from orchestration.admin.queries.common import readable
from orchestration.errors import Invalid, NotFound
from orchestration.models import Dag
from orchestration.services import dags


class DagsPage(Page):
    """DAGs with their switch, schedule, last runs and states; filters by status, tags, owner and text."""

    pairs = BY_ID["get_dags"].pairs
    is_dag_list = True
    template_name = "desk/dags.html"
    title = "DAGs"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """One page of DAGs: at most seven queries."""
        user = self.request.user
        filters = read.Filters.of(self.request.GET, self.request.GET.getlist("tag"))
        counts = read.counts(user, filters)
        pages = max(1, -(-counts[filters.status] // filters.size))
        return super().get_context_data(
            filters=filters,
            statuses=[
                {"name": name, "count": counts[name], "query": _query(filters, status=name, page=1)}
                for name in read.STATUSES
            ],
            rows=read.page(user, filters),
            tags=[
                {"name": tag, "is_on": tag in filters.tags, "query": _toggled(filters, tag)}
                for tag in read.tags_in_use(user)
            ],
            owners=read.owners_in_use(user),
            pages=pages,
            sizes=read.PAGE_SIZES,
            total=counts[filters.status],
            before=_query(filters, page=filters.page - 1) if filters.page > 1 else None,
            after=_query(filters, page=filters.page + 1) if filters.page < pages else None,
            **kwargs,
        )


def _query(filters: read.Filters, **changes: Any) -> str:
    values = {
        "status": filters.status,
        "tag": list(filters.tags),
        "owner": filters.owner,
        "search": filters.search,
        "order": filters.order,
        "page": filters.page,
        "size": filters.size,
        **changes,
    }
    standard = {"status": "all", "order": "dag_id", "page": 1, "size": read.PAGE_SIZES[0]}
    kept = {name: value for name, value in values.items() if value and value != standard.get(name)}
    return "?" + urlencode(kept, doseq=True)


def _toggled(filters: read.Filters, tag: str) -> str:
    tags = [name for name in filters.tags if name != tag] if tag in filters.tags else [*filters.tags, tag]
    return _query(filters, tag=tags, page=1)


class DagStates(Data):
    """The recent runs and task states of some DAGs (``?dag_id=…&dag_id=…``, at most a page of them)."""

    pairs = BY_ID["get_dags"].pairs
    is_dag_list = True

    def data(self) -> Any:
        """By DAG id; those the caller may not read are left out. Three queries."""
        wanted = self.request.GET.getlist("dag_id")[: read.PAGE_SIZES[-1]]
        rows = readable(Dag.objects.active().filter(dag_id__in=wanted), self.request.user)
        found = dict(rows.values_list("dag_id", "is_paused"))
        return {
            dag_id: {
                "is_paused": found[dag_id],
                "tasks": states["tasks"],
                "last": states["last"],
                "runs": [
                    {**run, "url": reverse("admin:desk_run", args=(dag_id, run["run_id"]))} for run in states["runs"]
                ],
            }
            for dag_id, states in read.states(self.request.user, found).items()
        }


class PauseVerb(Verb):
    """``{"is_paused": bool}``: switch a DAG."""

    event = "patch_dag"
    pairs = BY_ID["patch_dag"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The DAG as it is now."""
        is_paused = body.get("is_paused")
        if not isinstance(is_paused, bool):
            raise Invalid("is_paused must be true or false.")
        dag_id = self.kwargs["dag_id"]
        if not dags.set_paused([dag_id], is_paused, actor=self.request.user):
            raise NotFound(f"There is no DAG {dag_id!r}.")
        return {"dag_id": dag_id, "is_paused": is_paused}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/", "desk_dags", DagsPage),
    ("dags/states.json", "desk_dag_states", DagStates),
    ("dags/<str:dag_id>/pause", "desk_dag_pause", PauseVerb),
)
