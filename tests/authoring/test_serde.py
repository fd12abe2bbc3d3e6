"""XCom values as JSON and back, in the form that Airflow 2.10.5 writes."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pendulum
import pytest

from orchestration.authoring import serde
from orchestration.authoring.datasets import Dataset, DatasetAlias


def wrapped(name, data, version=1):
    return {"__classname__": name, "__version__": version, "__data__": data}


UTC_ZONE = wrapped("builtins.tuple", ["UTC", "pendulum.tz.timezone.Timezone", 1, True])
PARIS_ZONE = wrapped("builtins.tuple", ["Europe/Paris", "pendulum.tz.timezone.Timezone", 1, True])


class Shout(str, enum.Enum):  # noqa: UP042 what user code has
    A = "a"


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (5, 5),
        (1.5, 1.5),
        ("zażółć", "zażółć"),
        (None, None),
        (True, True),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (10**30, 10**30),
        (Shout.A, "a"),
        (Number.ONE, 1),
        (dt.date(2024, 1, 2), wrapped("datetime.date", "2024-01-02", 2)),
        (dt.timedelta(seconds=5), wrapped("datetime.timedelta", 5.0, 2)),
        (dt.datetime(2024, 1, 2), wrapped("datetime.datetime", {"timestamp": 1704153600.0, "tz": None}, 2)),
        (
            dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
            wrapped("datetime.datetime", {"timestamp": 1704153600.0, "tz": UTC_ZONE}, 2),
        ),
        (
            pendulum.datetime(2024, 1, 1, tz="Europe/Paris"),
            wrapped("pendulum.datetime.DateTime", {"timestamp": 1704063600.0, "tz": PARIS_ZONE}, 2),
        ),
        (Decimal("1.50"), wrapped("decimal.Decimal", 1.5)),
        (Decimal("3"), wrapped("decimal.Decimal", 3)),
        ((1, 2), wrapped("builtins.tuple", [1, 2])),
        ({7}, wrapped("builtins.set", [7])),
        (frozenset({7}), wrapped("builtins.frozenset", [7])),
        (Dataset("s3://a/b"), wrapped("airflow.datasets.Dataset", {"uri": "s3://a/b", "extra": None})),
    ],
)  # fmt: skip
def test_a_value_is_written_as_airflow_does_and_read_back(value, form):
    text = serde.dumps(value)
    assert json.loads(text) == form
    read = serde.loads(text)
    assert read == value
    assert type(read) is type(value) or isinstance(value, enum.Enum)


def test_inner_tuples_become_lists_and_keys_texts():
    assert serde.loads(serde.dumps({"a": (1, 2), 5: {1}})) == {"a": [1, 2], "5": {1}}
    Pair = collections.namedtuple("Pair", "a b")
    assert serde.loads(serde.dumps(Pair(1, 2))) == (1, 2)


def test_zones_are_read_back():
    for zone in (ZoneInfo("Europe/Paris"), pendulum.timezone("Europe/Paris")):
        assert serde.loads(serde.dumps(zone)).name == "Europe/Paris"
    east = dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert serde.loads(serde.dumps(east)) == east
    assert serde.loads(serde.dumps(east)).utcoffset() == dt.timedelta(hours=5, minutes=30)


def test_numbers_that_json_lacks_survive():
    text = serde.dumps({"a": float("nan"), "b": [float("inf")], "c": 1.0})
    json.loads(text, parse_constant=pytest.fail)
    read = serde.loads(text)
    assert read["a"] != read["a"]
    assert (read["b"], read["c"]) == ([float("inf")], 1.0)


class Colour(enum.Enum):
    RED = object()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "cannot be pushed"),
        (b"x", "Bytes"),
        (Colour.RED, "value"),
        (Path("/x"), "cannot be pushed"),
        (range(3), "range"),
    ],
)
def test_what_has_no_json_form_is_refused(value, words):
    with pytest.raises(TypeError, match=words):
        serde.dumps({"deep": [value]})


def test_a_structure_that_holds_itself_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises((ValueError, RecursionError)):
        serde.dumps(value)


@dataclasses.dataclass
class Point:
    x: int
    y: list


class Box:
    __version__ = 3

    def __init__(self, content):
        self.content = content

    def serialize(self):
        return {"content": self.content}

    @staticmethod
    def deserialize(data, version):
        assert version == 3
        return Box(data["content"])


def test_classes_are_made_again_only_where_they_are_allowed(monkeypatch):
    for value in (Point(1, [2]), Box("in")):
        text = serde.dumps(value)
        with pytest.raises(ImportError, match="allowed_deserialization_classes"):
            serde.loads(text)
        monkeypatch.setenv("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES", f"airflow.* {__name__}.*")
        assert vars(serde.loads(text)) == vars(value)
        monkeypatch.delenv("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES")


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "subprocess.Popen", "orchestration.conf.conf", 5, None])
def test_a_document_cannot_name_just_any_class(name):
    with pytest.raises(ImportError):
        serde.loads(json.dumps(wrapped(name, "touch x", 0)))


def test_an_allowed_class_needs_a_way_back(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES", "collections.*")
    with pytest.raises(TypeError, match="no deserialize"):
        serde.loads(json.dumps(wrapped("collections.OrderedDict", {"a": 1})))


def test_pydantic_and_attrs_like_classes_are_written():
    class Model:
        model_fields = ("a",)

        def model_dump(self):
            return {"a": 1}

    class Attr:
        def __init__(self):
            self.a, self.b = 1, 2

    Attr.__attrs_attrs__ = (
        type("A", (), {"name": "a", "init": True}),
        type("A", (), {"name": "b", "init": False}),
    )
    assert json.loads(serde.dumps(Model()))["__data__"] == {"a": 1}
    assert json.loads(serde.dumps(Attr()))["__data__"] == {"a": 1}


def test_numpy_numbers_are_read_as_plain_ones():
    assert serde.loads(json.dumps(wrapped("numpy.int64", 5))) == 5


def test_a_dataset_alias_comes_back_as_it_was():
    text = serde.dumps([DatasetAlias("reports")])
    assert json.loads(text)[0]["__data__"] == {"name": "reports"}
    assert serde.loads(text) == [DatasetAlias("reports")]
