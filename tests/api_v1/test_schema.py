"""The OpenAPI document: whole, right, and holding everything that a client of the reference knows."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from api_v1 import schema
from tests.api_v1.conftest import Api
from tests.api_v1.reference.extract_operations import operations

REFERENCE = json.loads((Path(__file__).parent / "reference" / "operations.json").read_text())
#: Beginnings of members that the reference's document names and its answers do not have, by operation.
NEVER_ANSWERED = {
    "clear_dag_run": ("task_instances.", "total_entries"),
    "get_dag_dataset_queued_events": ("datasets",),
    "get_dataset_queued_events": ("datasets",),
    "get_dag_details": ("template_search_path",),
    "get_extra_links": ("extra_links",),
    "get_mapped_task_instance_tries": ("task_instances_history",),
    "get_task_instance_tries": ("task_instances_history",),
    "get_task": ("extra_links.class_ref", "sub_dag"),
    "get_tasks": ("tasks.sub_dag",),
}


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return operations(schema.document())


def test_the_document_is_valid_and_was_made_without_a_warning() -> None:
    schema.document.cache_clear()
    GENERATOR_STATS.reset()
    validate_schema(schema.document())
    told = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert told == []


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_an_operation_is_where_it_was(ours: dict[str, Any], name: str) -> None:
    assert ours[name]["path"] == REFERENCE[name]["path"]


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_an_operation_takes_what_it_took(ours: dict[str, Any], name: str) -> None:
    theirs, mine = REFERENCE[name], ours[name]
    assert {key: mine["query"].get(key) for key in theirs["query"]} == theirs["query"]
    assert mine["required"] == theirs["required"]
    assert set(theirs["body"]) - set(mine["body"]) == set()


@pytest.mark.parametrize("name", sorted(name for name in REFERENCE if REFERENCE[name]["answers"]))
def test_an_operation_answers_what_it_answered(ours: dict[str, Any], name: str) -> None:
    theirs, mine = REFERENCE[name], ours[name]
    assert set(theirs["answers"]) <= set(mine["answers"])
    assert set(theirs["types"]) <= set(mine["types"])
    for status, members in theirs["answers"].items():
        missing = set(members) - set(mine["answers"][status])
        assert [each for each in sorted(missing) if not each.startswith(NEVER_ANSWERED.get(name, ("-",)))] == []


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "//openapi.json"])
def test_the_document_is_open_to_everybody(api: Api, path: str) -> None:
    answer = api.get(path, user=None)
    assert answer.status == 200
    read = yaml.safe_load(answer.content) if path.endswith("yaml") else answer.json
    assert read == json.loads(json.dumps(schema.document()))


@pytest.mark.parametrize("path", ["/ui/", "/redoc/"])
def test_its_pages_load_nothing_from_elsewhere(api: Api, path: str) -> None:
    answer = api.get(path, user=None)
    assert answer.status == 200
    text = answer.content.decode()
    assert "/api/v1/openapi.json" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "<script>" not in text.lower() or "nonce" in text.lower()


def test_every_operation_says_what_it_is() -> None:
    for path, item in schema.document()["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            assert operation["tags"][0], where
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (where, parameter["name"])
