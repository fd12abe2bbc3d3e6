"""Variables."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from api_v1.filters.variables import VariableListParameters, VariablePatchParameters
from api_v1.masks import masked
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import Problem, bad_request
from api_v1.rows import Row
from api_v1.serializers.variables import (
    VariableAnswer,
    VariableBody,
    VariableCollection,
    VariablePutBody,
    variable_row,
    variable_rows,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.errors import NotFound
from orchestration.models import Variable
from orchestration.services import audit, variables

_ORDER = {"key": "key", "value": "val", "id": "id"}


class VariableViewSet(OperationViewSet):
    """Variables: texts that DAG files and tasks look up."""

    operations = (
        Operation(
            "get_variables",
            "list",
            VariableListParameters,
            answer=VariableCollection,
            tag="Variable",
            summary="List variables",
        ),
        Operation(
            "post_variables",
            "create",
            body=VariableBody,
            answer=VariableAnswer,
            codes=(409,),
            event="variable.create",
            shown=audit.variable_extra,
            tag="Variable",
            summary="Create a variable",
        ),
        Operation(
            "get_variable",
            "retrieve",
            answer=VariableAnswer,
            codes=(404,),
            tag="Variable",
            summary="Get a variable",
        ),
        Operation(
            "patch_variable",
            "partial_update",
            VariablePatchParameters,
            body=VariableBody,
            answer=VariableAnswer,
            codes=(404,),
            event="variable.edit",
            shown=audit.variable_extra,
            tag="Variable",
            summary="Update a variable",
        ),
        Operation(
            "put_variable",
            "update",
            body=VariablePutBody,
            answer=VariableAnswer,
            codes=(404,),
            event="variable.edit",
            tag="Variable",
            summary="Update a variable (short form)",
        ),
        Operation(
            "delete_variable",
            "destroy",
            status=204,
            codes=(404,),
            event="variable.delete",
            tag="Variable",
            summary="Delete a variable",
        ),
    )

    def list(self) -> HttpResponse:
        """Variables with their values; those under secret keys are hidden."""
        part = page(self.query)
        rows = Variable.objects.all()
        total = rows.count()
        chosen = part.of(order(rows, self.query.get("order_by"), _ORDER, default="id", key="id"))
        return self.paged({"variables": variable_rows(chosen), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a variable, or overwrite the one of this key (callers who may edit variables; others: 409)."""
        values = self.load()
        row = variable_row(variables.put(actor=self.caller, **values))
        return row if "description" in values else {name: row[name] for name in row if name != "description"}

    def retrieve(self) -> Row:
        """One variable."""
        return variable_row(variables.find(self.kwargs["variable_key"]))

    def partial_update(self) -> Row:
        """Change value and description; key and value must be sent, ``update_mask`` knows val and description."""
        return self._change(self.load(), self.query.get("update_mask"))

    def update(self) -> Row:
        """Change what is sent."""
        return self._change(self.load(), None)

    def _change(self, values: dict[str, Any], mask: Any) -> Row:
        key = self.kwargs["variable_key"]
        if values.get("key", key) != key:
            raise bad_request("key from request body doesn't match uri parameter", title="Invalid post body")
        variable = variables.find(key)
        changes = masked(values, mask, fixed=("key",))
        changes.pop("key", None)
        return variable_row(variables.update(variable, actor=self.caller, **changes))

    def destroy(self) -> None:
        """Delete a variable."""
        try:
            variable = variables.find(self.kwargs["variable_key"])
        except NotFound as missing:
            raise Problem(404, title=missing.title) from None
        variables.delete(variable, actor=self.caller)

    def load(self) -> dict[str, Any]:
        """As the base's; the reference gives these errors another title."""
        try:
            return super().load()
        except Problem as problem:
            raise bad_request(problem.detail, title="Invalid Variable schema") from None

    def _audit_extra(self) -> dict[str, Any]:
        if self.operation.id != "put_variable":
            return super()._audit_extra()
        return audit.variable_extra({"key": self.kwargs["variable_key"], **self.body})
