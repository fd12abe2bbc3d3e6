"""Datasets, aliases and conditions over them."""

import json
import os
import warnings

import pytest

from orchestration.authoring import store
from orchestration.authoring.datasets import (
    DagDependency,
    Dataset,
    DatasetAlias,
    DatasetAliasCondition,
    DatasetAll,
    DatasetAny,
    Metadata,
    NullDataset,
    decode_condition,
    encode_condition,
    expand_alias_to_datasets,
    extract_event_key,
)

A, B, C = Dataset("s3://bucket/a"), Dataset("s3://bucket/b"), Dataset("s3://bucket/c")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("plain text", "plain text"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("S3://Bucket/key", "s3://Bucket/key"),
        ("s3://bucket/key/", "s3://bucket/key"),
        ("s3://bucket/key///", "s3://bucket/key"),
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket/key#part", "s3://bucket/key"),
        ("http://h/p?b=2&a=1", "http://h/p?a=1&b=2"),
        ("http://h:80/p?a=", "http://h:80/p"),
        ("x-mine://u:p@h/p/", "x-mine://u:p@h/p/"),
        ("file:///tmp/x/", "file:///tmp/x"),
        ("//host/path/", "//host/path/"),
        ("a:b", "a:b"),
        ("urn:isbn:1", "urn:isbn:1"),
    ],
)
def test_uris_are_sanitised(given, stored):
    assert Dataset(given).uri == stored


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "'' is blank"),
        ("  \t", "is blank"),
        ("s3://bücket/key", "characters other than ASCII"),
        ("airflow://x/y", "is the system's own"),
        ("AIRFLOW://x/y", "is the system's own"),
        ("s3://b/" + "k" * 3000, "at most 3000 characters; this one has 3007"),
    ],
)
def test_bad_uris_are_refused(uri, message):
    with pytest.raises(ValueError, match=message):
        Dataset(uri)


def test_user_and_password_are_dropped_with_a_warning():
    with pytest.warns(UserWarning, match="password"):
        assert Dataset("postgres://me:secret@host/db/table").uri == "postgres://host/db/table"


def test_datasets_are_equal_by_uri_and_are_paths():
    assert Dataset("s3://bucket/a", {"k": 1}) == A
    assert len({A, Dataset("s3://bucket/a/")}) == 1
    assert os.fspath(A) == "s3://bucket/a"
    assert repr(A) == "Dataset(uri='s3://bucket/a', extra=None)"
    assert Dataset(uri="a", extra={"b": 1}).extra == {"b": 1}
    assert DatasetAlias("s3://bucket/a") != A


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        (A, "s3://bucket/a"),
        (A | B, {"any": ["s3://bucket/a", "s3://bucket/b"]}),
        (A & B, {"all": ["s3://bucket/a", "s3://bucket/b"]}),
        (A | B | C, {"any": ["s3://bucket/a", "s3://bucket/b", "s3://bucket/c"]}),
        (A & (B | C), {"all": ["s3://bucket/a", {"any": ["s3://bucket/b", "s3://bucket/c"]}]}),
        ((A & B) | C, {"any": [{"all": ["s3://bucket/a", "s3://bucket/b"]}, "s3://bucket/c"]}),
        (DatasetAll(A, DatasetAlias("x")), {"all": ["s3://bucket/a", {"alias": "x"}]}),
        (NullDataset(), None),
    ],
)
def test_conditions_have_expressions_and_survive_json(condition, expression):
    assert condition.as_expression() == expression
    document = json.loads(json.dumps(encode_condition(condition)))
    assert decode_condition(document).as_expression() == expression


@pytest.mark.parametrize(
    ("condition", "ready", "expected"),
    [
        (A, {A}, True),
        (A, set(), False),
        (A | B, {B}, True),
        (A | B, set(), False),
        (A & B, {B}, False),
        (A & B, {A, B}, True),
        (A & (B | C), {A, C}, True),
        (A & (B | C), {B, C}, False),
        (DatasetAll(), set(), True),
        (DatasetAny(), {A}, False),
        (NullDataset(), {A}, False),
    ],
)
def test_conditions_are_evaluated_over_what_is_ready(condition, ready, expected):
    assert condition.evaluate({dataset.uri: dataset in ready for dataset in (A, B, C)}) is expected


def test_datasets_of_a_condition_come_once():
    assert [uri for uri, _ in ((A & B) | (A & C)).iter_datasets()] == [A.uri, B.uri, C.uri]


def test_only_datasets_join():
    with pytest.raises(TypeError):
        A | "b"  # type: ignore[operator]  # what is tested
    with pytest.raises(TypeError, match="is made of datasets, aliases and conditions"):
        DatasetAll(A, "b")  # type: ignore[arg-type]  # what is tested


class AliasStore(store.EnvironmentStore):
    def get_alias_datasets(self, name):
        return [{"uri": A.uri, "extra": {}}, {"uri": B.uri, "extra": {}}] if name == "known" else []


@pytest.fixture
def alias_store():
    before = store.install(AliasStore())
    yield
    store.install(before)


def test_an_alias_stands_for_what_the_store_says(alias_store):
    assert expand_alias_to_datasets("known") == [A, B]
    assert expand_alias_to_datasets(DatasetAlias("new")) == []
    condition = DatasetAlias("known") | C
    assert condition.evaluate({B.uri: True})
    assert [alias.name for alias in condition.iter_dataset_aliases()] == ["known"]
    assert encode_condition(condition) == {"any": [{"alias": "known"}, {"uri": C.uri, "extra": None}]}


def test_the_scheduler_says_itself_what_an_alias_stands_for():
    condition = decode_condition({"alias": "x"}, resolve=lambda name: [Dataset(f"s3://by/{name}")])
    assert condition.evaluate({"s3://by/x": True})


def test_an_alias_without_store_stands_for_nothing():
    assert not DatasetAliasCondition("x").evaluate({A.uri: True})


@pytest.mark.parametrize("document", [5, "s3://a", {"uri": 1}, {"none": []}, [{"uri": "a"}]])
def test_other_documents_are_no_conditions(document):
    with pytest.raises(ValueError, match="not a condition"):
        decode_condition(document)


def test_dependencies_between_dags(alias_store):
    assert list(A.iter_dag_dependencies(source="", target="d")) == [DagDependency("dataset", "d", "dataset", A.uri)]
    assert list(DatasetAlias("x").iter_dag_dependencies(source="d", target="")) == [
        DagDependency("d", "dataset-alias", "dataset-alias", "x")
    ]
    known = list(DatasetAliasCondition("known").iter_dag_dependencies(source="", target="d"))
    assert known[:2] == [
        DagDependency("dataset", "dataset-alias:known", "dataset", A.uri),
        DagDependency(f"dataset:{A.uri}", "d", "dataset-alias", "known"),
    ]
    assert [edge.node_id for edge in known[:2]] == [f"dataset:{A.uri}", "dataset-alias:known"]
    assert DagDependency("a", "b", "trigger", "t").node_id == "trigger:a:b:t"


def test_metadata_names_its_dataset_and_alias():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metadata = Metadata(A, {"rows": 3}, alias=DatasetAlias("x"))
        assert Metadata(A, {}).alias_name is None
    assert (metadata.uri, metadata.extra, metadata.alias_name) == (A.uri, {"rows": 3}, "x")
    with pytest.warns(DeprecationWarning):
        assert Metadata("S3://bucket/a", {}).uri == A.uri
    with pytest.warns(DeprecationWarning):
        assert Metadata(A, {}, "x").alias_name == "x"


def test_event_keys():
    assert [extract_event_key(value) for value in (A, DatasetAlias("x"), "S3://bucket/a/")] == [A.uri, "x", A.uri]
