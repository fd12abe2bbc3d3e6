"""What the OpenAPI document says of each operation: drf-spectacular asks, the operation's declaration answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from api_v1.conditional import TAGGED
from api_v1.idempotency import UNKEPT

if TYPE_CHECKING:
    from api_v1.filters.base import Parameter
    from api_v1.operations import Operation

Json = dict[str, Any]

PREFIX = "/api/v1"
#: What path arguments are.
_PATH_ARGUMENTS: Mapping[str, tuple[Json, str]] = {
    "dag_id": ({"type": "string"}, "The DAG ID."),
    "dag_run_id": ({"type": "string"}, "The DAG run ID."),
    "task_id": ({"type": "string"}, "The task ID."),
    "map_index": ({"type": "integer", "minimum": 0}, "The index of a mapped task's instance."),
    "task_try_number": ({"type": "integer", "minimum": 0}, "The number of the try."),
    "uri": ({"type": "string", "format": "path"}, "The encoded dataset URI."),
    "variable_key": ({"type": "string", "format": "path"}, "The variable key."),
    "xcom_key": ({"type": "string", "format": "path"}, "The XCom key."),
    "event_log_id": ({"type": "integer", "minimum": 0}, "The event log ID."),
    "import_error_id": ({"type": "integer", "minimum": 0}, "The import error ID."),
    "backfill_id": ({"type": "integer", "minimum": 0}, "The backfill ID."),
    "file_token": ({"type": "string"}, "The key of a DAG file: `file_token` of its DAGs."),
}
_PARAMETER_TYPES: Mapping[str, Json] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "array": {"type": "array", "items": {"type": "string"}},
}
_CODES: Mapping[int, str] = {
    304: "Not modified.",
    400: "The request is not what the operation takes.",
    401: "Credentials are missing or wrong.",
    403: "The caller does not have the permission.",
    404: "There is no such thing.",
    405: "The method is not allowed here.",
    406: "None of the accepted types can be answered.",
    409: "It exists already, or is in a state that forbids this.",
    412: "It changed since it was read.",
    413: "The body is too large.",
    415: "The body's type of content is not accepted.",
    422: "The idempotency key was used with another request.",
    429: "Too many calls.",
    503: "The database is busy; try again.",
}


_WIDTHS = frozenset({"double", "int64"})


class Error(serializers.Serializer[Any]):
    """RFC 7807 problem document."""

    is_whole = True

    type = serializers.CharField(help_text="A URI that identifies the kind of problem.")
    title = serializers.CharField(allow_null=True, help_text="A short summary of the problem.")
    status = serializers.FloatField(help_text="The HTTP status.")
    detail = serializers.CharField(allow_null=True, help_text="What was wrong, and what to do next.")


class OperationSchema(AutoSchema):
    """Reads everything from the view's ``Operation``."""

    @property
    def _operation(self) -> Operation:
        operation: Operation = self.view.at_address[self.method]  # type: ignore[attr-defined]  # an OperationViewSet
        return operation

    def get_operation_id(self) -> str:
        return self._operation.id

    def get_tags(self) -> list[str]:
        return [self._operation.tag or type(self.view).__name__.removesuffix("ViewSet")]

    def get_summary(self) -> str | None:
        return self._operation.summary or None

    def get_description(self) -> str:  # type: ignore[override]
        handler = getattr(type(self.view), self._operation.action)
        return " ".join((handler.__doc__ or "").split())

    def get_auth(self) -> list[dict[str, list[str]]]:
        if self._operation.rule.is_open:
            return [{}]
        return [{"Basic": []}, {"Bearer": []}, {"Session": []}, {"Kerberos": []}]

    def get_request_serializer(self) -> Any:
        return self._operation.body

    def _get_filter_parameters(self) -> list[Json]:
        parameters = self._operation.parameters
        asked = [] if parameters is None else [_query_parameter(name, p) for name, p in parameters.base_filters.items()]
        return asked + [_header(name) for name in _headers_of(self._operation)]

    def _resolve_path_parameters(self, variables: list[str]) -> list[Json]:
        found = []
        for name in variables:
            schema, told = _PATH_ARGUMENTS.get(name, ({"type": "string"}, f"The {name.replace('_', ' ')}."))
            found.append({"in": "path", "name": name, "required": True, "schema": schema, "description": told})
        return found

    def _is_list_view(self, serializer: Any = None) -> bool:
        """An action's name says nothing here: a list's serializer has the rows in a member."""
        return False

    def get_response_serializers(self) -> Any:
        operation = self._operation
        answers: dict[Any, Any] = {}
        for media_type in operation.media_types:
            answers[(operation.status, media_type)] = OpenApiResponse(
                response=str if media_type.startswith("text/") else operation.answer,
                description=operation.summary or "Success.",
            )
        if operation.id == "test_connection":  # as the reference tells it
            answers[(403, "text/html")] = OpenApiResponse(response=str, description="Tests are switched off.")
        for status, answer in operation.further.items():
            answers[(status, "application/json")] = OpenApiResponse(response=answer, description="Success.")
        headers = _headers_of(operation)
        if operation.id in TAGGED:
            answers[304] = OpenApiResponse(description=_CODES[304])
        codes = {400, *operation.codes} | (set() if operation.rule.is_open else {401, 403, 429, 503})
        if operation.body is not None:
            codes |= {413, 415}
        if operation.parameters is None and operation.body is None:
            codes -= {400}
        if "Idempotency-Key" in headers:
            codes |= {400, 409, 422}
        if "If-Match" in headers or (operation.method == "POST" and "If-None-Match" in headers):
            codes |= {412}
        for code in sorted(codes):
            answers[(code, "application/problem+json")] = OpenApiResponse(response=Error, description=_CODES[code])
        return answers

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Json | None:
        """As in the reference's document, numbers have no width: generated clients would take another type."""
        schema: Json | None = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if schema is None:
            return None
        if schema.get("format") in _WIDTHS:
            del schema["format"]
        if field.style.get("input_type") == "password":
            schema["format"] = "password"
        if isinstance(field, serializers.ListField) and field.child.allow_null and "$ref" in schema["items"]:
            schema["items"] = {"allOf": [schema["items"]], "nullable": True}
        return schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Json:
        """Only bodies have required members: ``fields`` may leave out any member of an answer."""
        schema: Json = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if hasattr(serializer, "check_body"):
            schema["additionalProperties"] = False
            for other, name in serializer.aliases.items():
                schema["properties"].setdefault(other, schema["properties"][name])
            required = {*serializer.required_late}
            required |= {name for name, field in serializer.form().items() if field.required}
            # a member that has another accepted name beside it is not required under this one
            required -= set(serializer.aliases.values())
            schema.pop("required", None)
            schema |= {"required": sorted(required)} if required else {}
        elif not getattr(serializer, "is_whole", False):
            schema.pop("required", None)
        return schema


_HEADERS: Mapping[str, str] = {
    "Idempotency-Key": "Asking again with the same key within 24 hours gives the first answer and changes nothing.",
    "If-Match": "Change it only if its ETag is this.",
    "If-None-Match": "Reading: 304 if its ETag is this. Creating (`*`): only if there is none.",
}


def _headers_of(operation: Operation) -> list[str]:
    """The optional headers that mean something to the operation."""
    if operation.method == "GET":
        return ["If-None-Match"] if operation.id in TAGGED else []
    if operation.event is None:
        return []
    names = ["Idempotency-Key"] if operation.method in {"POST", "PATCH"} and operation.id not in UNKEPT else []
    return names + (["If-None-Match"] if operation.method == "POST" else ["If-Match"])


def _header(name: str) -> Json:
    schema: Json = {"type": "string"}
    if name == "Idempotency-Key":
        schema |= {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return {"in": "header", "name": name, "schema": schema, "description": _HEADERS[name]}


def _query_parameter(name: str, parameter: Parameter) -> Json:
    schema = dict(_PARAMETER_TYPES[parameter.type_name])
    if type(parameter).__name__ == "MomentParameter":
        schema["format"] = "date-time"
    for name_of_bound in ("minimum", "maximum"):
        bound = getattr(parameter, name_of_bound, None)
        if bound is not None:
            schema[name_of_bound] = bound
    if parameter.least is not None:
        schema["minimum"] = parameter.least
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.pattern is not None:
        schema["pattern"] = parameter.pattern
    told: Json = {"in": "query", "name": name, "schema": schema}
    if parameter.is_required:
        told["required"] = True
    if parameter.type_name == "array":
        told |= {"style": "form", "explode": getattr(parameter, "is_exploded", True)}
    help_text = parameter.extra.get("help_text")
    return {**told, "description": str(help_text)} if help_text else told
