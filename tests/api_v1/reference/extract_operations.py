"""Take from Airflow 2.10.5's OpenAPI document what a client meets: addresses, parameters, members, statuses.

    python extract_operations.py <the document as JSON> operations.json

An operation becomes ``{"path", "query": {name: type}, "required": [names], "body": [members], "answers": {status:
[members]}, "types": [media types]}``; the members of a list's rows follow a dot: ``dags.dag_id``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


def resolved(document: dict[str, Any], part: Any) -> Any:
    """What a ``$ref`` stands for."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def properties(document: dict[str, Any], schema: Any) -> Iterator[tuple[str, Any]]:
    """The members of an object's schema."""
    schema = resolved(document, schema)
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from properties(document, part)
    yield from schema.get("properties", {}).items()


def members(document: dict[str, Any], schema: Any, other_way: str) -> list[str]:
    """Names of members, and of those of a list's rows; not of those that go the other way (``readOnly`` …) only."""
    found: dict[str, None] = {}
    for name, inner in properties(document, schema):
        rows = resolved(document, inner)
        if rows.get(other_way):
            continue
        found[name] = None
        if rows.get("type") == "array":
            below = properties(document, rows.get("items", {}))
            found.update(
                dict.fromkeys(f"{name}.{each}" for each, leaf in below if not resolved(document, leaf).get(other_way))
            )
    return sorted(found)


def content(document: dict[str, Any], part: Any) -> dict[str, Any]:
    return resolved(document, part).get("content", {})


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """All operations by id."""
    found = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            parameters = [
                resolved(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
            ]
            query = {each["name"]: each for each in parameters if each["in"] == "query"}
            bodies = content(document, operation.get("requestBody", {}))
            answers = {
                status: content(document, answer)
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            }
            found[operation["operationId"].rpartition(".")[2]] = {
                "path": f"{method.upper()} {path}",
                "query": {
                    name: resolved(document, each["schema"]).get("type", "string") for name, each in query.items()
                },
                "required": sorted(name for name, each in query.items() if each.get("required")),
                "body": members(document, bodies.get("application/json", {}).get("schema", {}), "readOnly"),
                "answers": {
                    status: members(document, answer.get("application/json", {}).get("schema", {}), "writeOnly")
                    for status, answer in answers.items()
                },
                "types": sorted({media_type for answer in answers.values() for media_type in answer}),
            }
    return found


if __name__ == "__main__":
    read = operations(json.loads(Path(sys.argv[1]).read_text()))
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(read[name], separators=(',', ':'))}" for name in sorted(read))
    Path(sys.argv[2]).write_text("{\n" + rows + "\n}\n")
