"""The OpenAPI document and its pages; what it tells is held against the reference in ``tests/contract``."""

from __future__ import annotations

import json
import warnings

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from api_v1.document import document
from tests.api_v1.conftest import Api


def test_the_document_is_valid_and_was_made_without_a_warning() -> None:
    document.cache_clear()
    GENERATOR_STATS.reset()
    validate_schema(document())
    told = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert told == []


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "//openapi.json"])
def test_the_document_is_open_to_everybody(api: Api, path: str) -> None:
    answer = api.get(path, user=None)
    assert answer.status == 200
    read = yaml.safe_load(answer.content) if path.endswith("yaml") else answer.json
    assert read == json.loads(json.dumps(document()))


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "/ui/", "/redoc/"])
def test_they_are_only_read(api: Api, path: str) -> None:
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api, method)(path, user=None)
        assert (answer.status, answer.title) == (405, "Method Not Allowed")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    answer = api.send("options", path, user=None)
    assert (answer.status, answer.content, answer.headers["Allow"]) == (200, b"", "GET, HEAD, OPTIONS")


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
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            assert operation["tags"][0], where
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (where, parameter["name"])
