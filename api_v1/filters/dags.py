"""Parameters of DAGs."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from api_v1.filters.base import (
    ListParameter,
    ParameterSet,
    TextParameter,
    TruthParameter,
    masked_by,
    ordered_by,
    page_limit,
    page_offset,
    return_fields,
)
from api_v1.sql import ILike


class TagsParameter(ListParameter):
    """DAGs with any of the tags."""

    def filter(self, qs: Any, value: list[str]) -> Any:
        return qs.filter(dag_id__in=_tagged(value))


def _tagged(names: list[str]) -> QuerySet[Any, Any]:
    from orchestration.models import DagTag

    return DagTag.objects.filter(name__in=names).values("dag_id")


class PatternParameter(TextParameter):
    """Text within the id, in any case; ``%`` is any text and ``_`` any sign."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(ILike(F("dag_id"), f"%{value}%")) if value else qs


class OnlyActiveParameter(TruthParameter):
    """DAGs that a file defines now; that is the default, so the view asks for it where it is not sent."""

    def filter(self, qs: Any, value: bool) -> Any:
        return qs.filter(is_active=True) if value else qs


class DagListParameters(ParameterSet):
    """Of the list of DAGs."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("dag_id")
    tags = TagsParameter(help_text="Only DAGs with at least one of these tags.")
    only_active = OnlyActiveParameter(help_text="Only DAGs that a file defines now.", default=True)
    paused = TruthParameter("is_paused", help_text="Only paused (or only unpaused) DAGs.")
    fields = return_fields()
    dag_id_pattern = PatternParameter(help_text="Only DAGs whose id holds this text; % and _ are wildcards.")


class DagPatchManyParameters(ParameterSet):
    """Of the change of many DAGs."""

    limit = page_limit()
    offset = page_offset()
    tags = TagsParameter(help_text="Only DAGs with at least one of these tags.")
    update_mask = masked_by()
    only_active = OnlyActiveParameter(help_text="Only DAGs that a file defines now.", default=True)
    dag_id_pattern = PatternParameter(
        is_required=True, help_text="Only DAGs whose id holds this text; % and _ are wildcards, ~ is every DAG."
    )


class DagFieldsParameters(ParameterSet):
    """Of one DAG."""

    fields = return_fields()


class DagPatchParameters(ParameterSet):
    """Of the change of one DAG."""

    update_mask = masked_by()
