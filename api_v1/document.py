"""The OpenAPI document of this API, made by drf-spectacular from the operations' declarations; and its pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from api_v1.addresses import operation_urls
from api_v1.problems import only_read
from api_v1.renderers import dumps
from api_v1.schema import PREFIX, Json
from api_v1.serializers import dag_runs, task_instances


def _enum_names() -> dict[str, list[str]]:
    """Names of the document's lists of choices where members of one name have different ones."""
    return {
        "DagState": dag_runs.STATES,
        "NewDagState": dag_runs.SETTABLE,
        "TaskState": [state for state in task_instances.TASK_STATES if state],
        "NewTaskState": list(task_instances.SETTABLE),
    }


@lru_cache(maxsize=1)
def document() -> Json:
    """The whole document, made once in a process."""
    with patched_settings({"ENUM_NAME_OVERRIDES": _enum_names(), "COMPONENT_SPLIT_PATCH": False}):
        made: Json = SchemaGenerator(patterns=operation_urls).get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "airflowsite: the stable API of Airflow 2",
            "version": "2.10.5",
            "description": "Lists take `limit` and `offset` and answer `total_entries`. Errors are RFC 7807 documents.",
        },
        "servers": [{"url": PREFIX}],
        "paths": dict(sorted(made["paths"].items())),
        "components": {
            **made["components"],
            "schemas": _with_nulls({name: _any_of(s) for name, s in made["components"]["schemas"].items()}),
            "securitySchemes": {
                "Basic": {"type": "http", "scheme": "basic"},
                "Bearer": {"type": "http", "scheme": "bearer", "description": "A personal access token."},
                "Session": {"type": "apiKey", "in": "cookie", "name": "session"},
                "Kerberos": {"type": "http", "scheme": "negotiate"},
            },
        },
    }


def _with_nulls(schemas: dict[str, Json]) -> dict[str, Json]:
    """Say of an object itself that it may be null: what stands beside a reference does not count (OpenAPI 3.0)."""
    waiting: list[Any] = list(schemas.values())
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
            if part.get("nullable") is True and len(part.get("allOf", ())) == 1:
                named = schemas[part["allOf"][0]["$ref"].rpartition("/")[2]]
                for option in named.get("anyOf", ()):
                    schemas[option["$ref"].rpartition("/")[2]]["nullable"] = True
                named["nullable"] = True
        elif isinstance(part, list):
            waiting += part
    return schemas


def _any_of(schema: Json) -> Json:
    """One answer or another: a value may have the form of both, for members may be left out or be more."""
    is_choice = set(schema) <= {"oneOf", "discriminator"} and all("$ref" in option for option in schema["oneOf"])
    return {"anyOf" if name == "oneOf" else name: told for name, told in schema.items()} if is_choice else schema


@lru_cache(maxsize=1)
def _as_json() -> bytes:
    return dumps(document())


@lru_cache(maxsize=1)
def _as_yaml() -> bytes:
    text: str = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True)
    return text.encode()


@only_read
def openapi_json(request: HttpRequest) -> HttpResponse:
    """``/api/v1/openapi.json``."""
    return HttpResponse(_as_json(), content_type="application/json")


@only_read
def openapi_yaml(request: HttpRequest) -> HttpResponse:
    """``/api/v1/openapi.yaml``."""
    return HttpResponse(_as_yaml(), content_type="text/yaml; charset=utf-8")


@only_read
def swagger_ui(request: HttpRequest) -> HttpResponse:
    """``/api/v1/ui/``: Swagger UI, from files that come with the program."""
    return _page("swagger.html", request)


@only_read
def redoc(request: HttpRequest) -> HttpResponse:
    """``/api/v1/redoc/``: Redoc, from files that come with the program."""
    return _page("redoc.html", request)


def _page(name: str, request: HttpRequest) -> HttpResponse:
    folder = request.path.rstrip("/").rpartition("/")[0]
    return render(request, f"api_v1/{name}", {"address": f"{folder}/openapi.json"})
