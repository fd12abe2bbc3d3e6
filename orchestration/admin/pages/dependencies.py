"""The graph of DAGs: who triggers, waits for and feeds whom."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Pair
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page
from orchestration.admin.queries import dependencies as read

_PAIRS = (Pair(READ, p.DEPENDENCIES), *BY_ID["get_dags"].pairs)


class DependenciesPage(Page):
    """The graph, drawn by the browser; ``?dag_id=`` shows what hangs together with one DAG."""

    pairs = _PAIRS
    is_dag_list = True
    template_name = "desk/dependencies.html"
    title = "DAG dependencies"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """One query."""
        return super().get_context_data(
            dag_id=self.request.GET.get("dag_id", "")[:250], alone="alone" in self.request.GET, **kwargs
        )


class DependenciesData(Data):
    """Nodes and edges, with the addresses that nodes lead to."""

    pairs = _PAIRS
    is_dag_list = True

    def data(self) -> Any:
        """Six queries at most."""
        dag_id = self.request.GET.get("dag_id", "")[:250]
        graph = read.graph(self.request.user, dag_id=dag_id, shows_alone="alone" in self.request.GET)
        for node in graph["nodes"]:
            key = node.pop("key")
            node["url"] = reverse("admin:desk_dataset" if node["kind"] == "dataset" else "admin:desk_dag", args=(key,))
        return graph


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dependencies/", "desk_dependencies", DependenciesPage),
    ("dependencies.json", "desk_dependencies_data", DependenciesData),
)
