"""What all tables share: permissions from roles, rows of readable DAGs only, changes by services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from orchestration.access.permissions import Caller, readable_dag_ids
from orchestration.admin.navigation import table_title
from orchestration.admin.tables.paging import BoundedPaginator, newest
from orchestration.errors import Forbidden, OrchestrationError

#: Where a request keeps what a service said against it.
_REFUSAL = "desk_refusal"


class ShownTable(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """A table that is shown and not changed.

    ``dag_path`` leads from a row to its DAG's id; a caller who may not read every DAG sees rows of readable ones only,
    or what ``narrow`` leaves.
    """

    dag_path: ClassVar[str | None] = None
    #: The list brings itself up to date in the browser.
    is_live: ClassVar[bool] = False
    #: What an empty list says where no filter is set.
    empty: ClassVar[str] = "Nothing is here yet."
    #: A search looks among the newest rows only (``paging.SEARCH_WINDOW``).
    is_history: ClassVar[bool] = False
    list_display: ClassVar[tuple[Any, ...]] = ("__str__",)
    list_filter: ClassVar[tuple[Any, ...]] = ()
    list_select_related: ClassVar[tuple[str, ...]] = ()
    search_fields: ClassVar[tuple[str, ...]] = ()
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    list_filter_submit = True
    paginator = BoundedPaginator
    change_list_template = "desk/tables/list.html"
    change_form_template = "desk/tables/form.html"
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each would count the table
    compressed_fields = True
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the caller may see."""
        rows: QuerySet[Any] = super().get_queryset(request)
        dag_ids = readable_dag_ids(request.user)
        return rows if dag_ids is None else self.narrow(rows, dag_ids)

    def narrow(self, rows: QuerySet[Any], dag_ids: frozenset[str]) -> QuerySet[Any]:
        """The rows of these DAGs; all rows of a table that is of no DAG."""
        return rows if self.dag_path is None else rows.filter(**{f"{self.dag_path}__in": dag_ids})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's; of a history that has no end, among its newest rows."""
        rows = newest(queryset) if self.is_history and search_term else queryset
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, rows, search_term)
        return found

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """(title, address) of what stands in the head of the list."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's list in the desk's frame; what a service refuses is told on the page."""
        context = {
            "hides_refresh": not self.is_live,
            "empty_words": self.empty,
            "table_links": self.links(request) if self.has_view_permission(request) else [],
            "title": table_title(self.opts),
            **(extra_context or {}),
        }
        return told(self, request, super().changelist_view, context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, with the way back to the list."""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        context = {"crumbs": [(table_title(self.opts), address)], **(extra_context or {})}
        answer: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return answer

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ChangedTable(ShownTable):
    """A table whose rows are made, changed and deleted by a service's verbs: ``create``, ``update``, ``remove``.

    What a service refuses is told on the page, and nothing was changed.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.add_{self.opts.model_name}")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.delete_{self.opts.model_name}", obj)

    def create(self, actor: Caller, obj: Any, values: Mapping[str, Any]) -> Any:
        """Make the row that ``obj`` describes; return it."""
        raise NotImplementedError

    def update(self, actor: Caller, stored: Any, changes: Mapping[str, Any]) -> Any:
        """Change the stored row."""
        raise NotImplementedError

    def remove(self, actor: Caller, stored: Any) -> None:
        """Delete the stored row."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """By the service, on the row as it is stored."""
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}
            self.update(request.user, self.model._default_manager.get(pk=obj.pk), changes)
        else:
            made = self.create(request.user, obj, form.cleaned_data)
            obj.pk = made.pk
            obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service saved what belongs to the row."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(request.user, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.remove(request.user, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Django's; once a service has refused what was typed, with that as an error of the form."""
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, _REFUSAL, None)
        return form if refusal is None else refused(form, refusal)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's; what a service refuses is told above the form, which keeps what was typed."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, *args, **kwargs)
        except OrchestrationError as error:
            if isinstance(error, Forbidden) and error.detail is None:
                raise PermissionDenied from error
            setattr(request, _REFUSAL, error.detail or error.title or "That was refused.")
        return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's, with what a service refuses told on the page."""
        return told(self, request, super().delete_view, *args, **kwargs)


def refused(form: type[BaseForm], words: str) -> type[BaseForm]:
    """The form, never valid: it says ``words``."""

    class Refused(form):  # type: ignore[misc,valid-type]  # made of the form that is given
        """What a service refused."""

        def clean(self) -> Any:
            """With the refusal."""
            values = super().clean()
            self.add_error(None, words)
            return values

    return Refused


def told(
    table: ShownTable, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
) -> HttpResponse:
    """The view's answer; where a service refuses, nothing is changed and the page says why."""
    try:
        with transaction.atomic():
            return view(request, *args, **kwargs)
    except Forbidden as error:
        if error.detail is None:
            raise PermissionDenied from error
        table.message_user(request, error.detail, messages.ERROR)
    except OrchestrationError as error:
        table.message_user(request, error.detail or error.title or "That was refused.", messages.ERROR)
    return HttpResponseRedirect(request.get_full_path())
