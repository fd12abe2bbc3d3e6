"""A verb on all runs or task instances that a list's filters match: a preview, then step by step with its progress.

The address' query is the list's own, so whatever the list shows is what the verb reaches, on all its pages.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http.response import HttpResponseBase
from django.urls import reverse

from orchestration.access.permissions import access_of, meets
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.pages.runs import named
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import DagRun, TaskInstance
from orchestration.services import bulk

#: Rows beyond which nothing is counted: such a set is done in parts.
MOST: Final = 100_000
#: Rows from which the operator writes their number before a verb.
ASKS_NUMBER_FROM: Final = 100
_KINDS: Final[dict[str, tuple[Any, str, dict[str, bulk.Verb], str]]] = {
    "runs": (DagRun, "get_dag_runs", dict(bulk.RUN_VERBS), "run"),
    "tasks": (TaskInstance, "get_task_instances", dict(bulk.TASK_VERBS), "task instance"),
}
_OPTION_LABELS: Final = {
    "past": "Past runs", "future": "Future runs", "upstream": "Upstream", "downstream": "Downstream",
    "recursive": "Recursive", "only_failed": "Only failed", "only_running": "Only running",
}  # fmt: skip


class OfMany(Page):
    """A page of a set of rows; ``kind`` (runs, tasks) stands in the address. Raises NotFound for another kind."""

    is_dag_list = True

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Asks the permissions of the list."""
        known = _KINDS.get(kwargs["kind"])
        if known is not None and not BY_ID[known[1]].allows(request.user) and not self._holds_grant(known[1]):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def _holds_grant(self, operation: str) -> bool:
        return meets(self.request.user, BY_ID[operation].pairs, any_dag=True)

    @cached_property
    def kind(self) -> tuple[Any, str, dict[str, bulk.Verb], str]:
        """Model, operation, verbs, noun."""
        try:
            return _KINDS[self.kwargs["kind"]]
        except KeyError:
            raise NotFound("There are many runs and many tasks, and nothing else.") from None

    @cached_property
    def rows(self) -> QuerySet[Any]:
        """What the list matches. Raises Invalid for filters that the list does not know."""
        assert self.site is not None
        table = self.site._registry[self.kind[0]]
        if not table.has_view_permission(self.request):
            raise PermissionDenied
        try:
            listed = table.get_changelist_instance(self.request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup) as error:
            raise Invalid("The list has no such filter. Go back to it and filter there.") from error
        rows: QuerySet[Any] = listed.queryset
        return rows.order_by()

    def counted(self) -> int:
        """How many rows match, at most ``MOST`` + 1; one query."""
        return int(self.rows[: MOST + 1].count())

    def chosen(self, body: dict[str, Any]) -> tuple[bulk.Verb, dict[str, bool]]:
        """The verb and its options. Raises Invalid."""
        verb = self.kind[2].get(str(body.get("verb")))
        given = body.get("options")
        if verb is None or not isinstance(given, dict | None):
            raise Invalid(f"verb must be one of {', '.join(self.kind[2])}, options an object.")
        return verb, {name: (given or {}).get(name) is True for name in verb.options}

    def step(self, body: dict[str, Any], verb: bulk.Verb, options: dict[str, bool], *, dry_run: bool) -> bulk.Step:
        """Some of the rows between the keys ``after`` and ``through`` of the body."""
        after, through = body.get("after", 0), body.get("through")
        if not isinstance(after, int) or not isinstance(through, int) or not 0 <= after <= through < 2**63:
            raise Invalid("after and through must be keys of rows, as the preview gave them.")
        act = bulk.over_runs if self.kind[0] is DagRun else bulk.over_task_instances
        user: Any = self.request.user
        return act(self.rows, verb, actor=user, after=after, through=through, options=options, dry_run=dry_run)


class BulkPage(OfMany):
    """What matches, and what can be done with it."""

    template_name = "desk/bulk.html"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The page, or the list where its filters are not understood."""
        try:
            return super().get(request, *args, **kwargs)
        except Invalid as error:
            raise NotFound(error.detail) from error

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Counts by state and by DAG: about eight queries."""
        model, _, verbs, noun = self.kind
        count = self.counted()
        states: list[tuple[str, int]] = []
        dags: list[tuple[str, int]] = []
        if 0 < count <= MOST:
            states = list(self.rows.values_list("state").annotate(n=Count("pk")).order_by("-n"))
            dags = list(self.rows.values_list("dag_id").annotate(n=Count("pk")).order_by("-n", "dag_id")[:12])
        through = self.rows.order_by("-pk").values_list("pk", flat=True).first() or 0
        return super().get_context_data(
            title=f"Many {noun}s at once",
            noun=noun,
            count=count,
            is_too_many=count > MOST,
            most=MOST,
            states=states,
            dags=dags,
            filters=[(_in_words(name), value) for name, value in self.request.GET.items() if value],
            query=self.request.GET.urlencode(),
            list_url=reverse(f"admin:orchestration_{model._meta.model_name}_changelist"),
            verbs=[(name, verb) for name, verb in verbs.items() if self._may(verb)],
            data={
                "count": count,
                "through": through,
                "noun": noun,
                "asks_number_from": ASKS_NUMBER_FROM,
                "verbs": {
                    name: {
                        "label": verb.label,
                        "is_danger": verb.is_danger,
                        "options": {option: _OPTION_LABELS[option] for option in verb.options},
                    }
                    for name, verb in verbs.items()
                },
            },
            **kwargs,
        )

    def crumbs(self) -> list[tuple[str, str]]:
        """The list."""
        model = self.kind[0]
        listed = reverse(f"admin:orchestration_{model._meta.model_name}_changelist")
        return [(str(model._meta.verbose_name_plural), f"{listed}?{self.request.GET.urlencode()}")]

    def _may(self, verb: bulk.Verb) -> bool:
        """Whether the caller may do it on any DAG; each row is asked again."""
        user, operation = self.request.user, BY_ID[verb.operation]
        return operation.allows(user) or any(
            operation.allows(user, dag_id) for dag_id in {grant.dag_id for grant in access_of(user).grants}
        )


def _in_words(lookup: str) -> str:
    """A filter's name as a person says it: ``dag`` of ``dag__exact``, ``start date to`` of ``start_date__lte``."""
    name = lookup.removesuffix("__exact").removesuffix("__in").removesuffix("_0").removesuffix("_1")
    if name == "q":
        return "search"
    return name.replace("__gte", " from").replace("__lte", " to").replace("__", " ").replace("_", " ")


class BulkPreview(Verb, OfMany):
    """``{"verb", "options", "through"}``: what the first rows would change; nothing is changed."""

    event = "bulk_preview"
    is_logged = False

    def act(self, body: dict[str, Any]) -> Any:
        """``count`` and ``affected`` as previews have, ``rows`` looked at, ``is_all``, ``refused``."""
        verb, options = self.chosen(body)
        step = self.step({**body, "after": 0}, verb, options, dry_run=True)
        return {**named(step.affected), "rows": step.rows, "is_all": step.last is None, "refused": step.refused[:50]}


class BulkStep(Verb, OfMany):
    """``{"verb", "options", "after", "through", "expected"}``: do a step; ``after`` of the answer is the next one's.

    The first step is refused (409) when other rows match than the preview counted. Each run or task that is changed
    leaves its own row in the audit log.
    """

    event = "bulk_step"
    is_logged = False

    def act(self, body: dict[str, Any]) -> Any:
        """``rows`` gone through, ``changed`` task instances, ``refused``, ``after`` (null: done)."""
        verb, options = self.chosen(body)
        if not body.get("after"):
            count = self.counted()
            if count > MOST:
                raise Invalid(f"More than {MOST:,} rows match. Narrow the list, and do it in parts.")
            if body.get("expected") != count:
                raise Conflict(f"{count:,} rows match now, not {body.get('expected')!r}. Look at the preview again.")
        step = self.step(body, verb, options, dry_run=False)
        return {"rows": step.rows, "changed": step.changed, "refused": step.refused[:50], "after": step.last}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("bulk/<str:kind>/", "desk_bulk", BulkPage),
    ("bulk/<str:kind>/preview", "desk_bulk_preview", BulkPreview),
    ("bulk/<str:kind>/step", "desk_bulk_step", BulkStep),
)
