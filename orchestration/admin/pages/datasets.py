"""Datasets: the list, one of them, their events, the graph, and an event made by hand."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page, Verb
from orchestration.admin.queries import datasets as read
from orchestration.errors import Invalid, NotFound
from orchestration.models import Dataset
from orchestration.services import datasets

_READ = BY_ID["get_datasets"].pairs
_CREATE = BY_ID["create_dataset_event"]


def page_number(request: HttpRequest) -> int:
    """``?page=`` from 1 up; 1 where it is none."""
    asked = request.GET.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def page_links(request: HttpRequest, number: int, has_more: bool) -> dict[str, Any]:
    """The addresses of the pages before and after, with the same filters."""
    kept = {name: value for name, value in request.GET.items() if name != "page"}

    def link(to: int) -> str:
        return "?" + urlencode({**kept, "page": to})

    return {
        "page": number,
        "before": link(number - 1) if number > 1 else None,
        "after": link(number + 1) if has_more else None,
    }


class OfDatasets(Page):
    """A view of all datasets; ``view`` names its tab."""

    pairs = _READ
    view = "list"
    title = "Datasets"

    @property
    def search(self) -> str:
        """The part of a URI that is looked for."""
        return self.request.GET.get("search", "").strip()[:500]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The tabs, with the view's own."""
        return super().get_context_data(view=self.view, search=self.search, **kwargs)


class DatasetsPage(OfDatasets):
    """Datasets with who writes them, who waits, and when they were last written."""

    template_name = "desk/datasets/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Six queries."""
        number = page_number(self.request)
        rows, has_more = read.page(self.request.user, timezone.now(), search=self.search, number=number)
        return super().get_context_data(rows=rows, **page_links(self.request, number, has_more), **kwargs)


class EventsPage(OfDatasets):
    """Events of all datasets, newest first."""

    template_name = "desk/datasets/events.html"
    view = "events"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Four queries."""
        number = page_number(self.request)
        rows, has_more = read.events(self.request.user, dataset=None, number=number, search=self.search)
        return super().get_context_data(events=rows, **page_links(self.request, number, has_more), **kwargs)


class GraphPage(OfDatasets):
    """Which DAGs write and which wait for what, drawn by the browser; of one dataset its lineage."""

    template_name = "desk/datasets/graph.html"
    view = "graph"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The dataset, where one is asked for, and how far to follow it; a query more."""
        chosen = _number(self.request, "dataset")
        dataset = datasets.visible(self.request.user).filter(pk=chosen).first() if chosen is not None else None
        return super().get_context_data(
            dataset=dataset, hops=_hops(self.request), choices=range(1, read.MOST_HOPS + 1), **kwargs
        )


def _number(request: HttpRequest, name: str) -> int | None:
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None


def _hops(request: HttpRequest) -> int:
    asked = _number(request, "hops")
    return read.DEFAULT_HOPS if asked is None else min(max(asked, 1), read.MOST_HOPS)


class GraphData(Data):
    """The graph's nodes and edges; ``?dataset=`` is an id, with ``?hops=``; ``?search=`` a part of a URI."""

    pairs = _READ

    def data(self) -> Any:
        """Seven queries."""
        dataset_id, hops = _number(self.request, "dataset"), _hops(self.request)
        search = self.request.GET.get("search", "").strip()[:500]
        graph = read.graph(self.request.user, search=search, dataset_id=dataset_id, hops=hops)
        for node in graph["nodes"]:
            name = "admin:desk_dag" if node["kind"] == "dag" else "admin:desk_dataset"
            node["url"] = reverse(name, args=(node.pop("key"),))
        return graph


class DatasetPage(Page):
    """One dataset: what is known of it, who writes it, who waits, its events."""

    pairs = _READ
    template_name = "desk/datasets/one.html"

    def crumbs(self) -> list[tuple[str, str]]:
        """Back to the list."""
        return [("Datasets", reverse("admin:desk_datasets"))]

    @cached_property
    def dataset(self) -> Dataset:
        """The visible dataset of the address; raises NotFound."""
        found = datasets.visible(self.request.user).filter(pk=self.kwargs["dataset_id"]).first()
        if found is None:
            raise NotFound("There is no such dataset, or no DAG that you may read names it.")
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Ten queries at most."""
        user, dataset, number = self.request.user, self.dataset, page_number(self.request)
        rows, has_more = read.events(user, dataset=dataset, number=number)
        waiting = read.consumers(user, [dataset.pk])[dataset.pk]
        return super().get_context_data(
            title=dataset.uri,
            dataset=dataset,
            extra=orjson.dumps(dataset.extra or {}, option=orjson.OPT_INDENT_2).decode(),
            producers=read.producers(user, [dataset.pk])[dataset.pk],
            consumers=read.waiting(user, waiting, dataset),
            aliases=list(dataset.aliases.order_by("name").values_list("name", flat=True)[:50]),
            events=rows,
            can_create=_CREATE.allows(user),
            **page_links(self.request, number, has_more),
            **kwargs,
        )


class EventVerb(Verb):
    """``{"extra": {…}}``: say that the dataset was written."""

    event = "create_dataset_event"
    pairs = _CREATE.pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The new event's id."""
        extra = body.get("extra")
        if extra is not None and not isinstance(extra, dict):
            raise Invalid('"extra" must be a JSON object, for instance {"rows": 12}.')
        dataset = datasets.visible(self.request.user).filter(pk=self.kwargs["dataset_id"]).first()
        if dataset is None:
            raise NotFound("There is no such dataset, or no DAG that you may read names it.")
        made = datasets.create_event(actor=self.request.user, uri=dataset.uri, extra=extra)
        return {"id": made.pk, "url": reverse("admin:desk_dataset", args=(dataset.pk,))}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("datasets/", "desk_datasets", DatasetsPage),
    ("datasets/events/", "desk_dataset_events", EventsPage),
    ("datasets/graph/", "desk_dataset_graph", GraphPage),
    ("datasets/graph.json", "desk_dataset_graph_data", GraphData),
    ("datasets/<int:dataset_id>/", "desk_dataset", DatasetPage),
    ("datasets/<int:dataset_id>/event", "desk_dataset_event", EventVerb),
)
