"""Import errors."""

from __future__ import annotations

import pytest

from orchestration.models import User
from tests.api_v1.conftest import Api
from tests.factories import DagFactory, DagImportErrorFactory

HIDDEN = "REDACTED: the file holds DAGs that you may not read."


@pytest.fixture
def errors(api: Api) -> dict[str, int]:
    """A file with d1, one with d2, one with both, one without any."""
    made = {}
    for name, dags in (("mine", ["d1"]), ("theirs", ["d2"]), ("both", ["d1b", "d2b"]), ("none", [])):
        for dag_id in dags:
            DagFactory(dag_id=dag_id, fileloc=f"/dags/{name}.py")
        made[name] = DagImportErrorFactory(filename=f"/dags/{name}.py", stack_trace=f"trace of {name}").pk
    return made


def test_errors_are_listed(api: Api, errors: dict[str, int]) -> None:
    answer = api.get("/importErrors")
    assert [row["filename"] for row in answer.json["import_errors"]] == [f"/dags/{name}.py" for name in errors]
    assert set(answer.json["import_errors"][0]) == {"import_error_id", "timestamp", "filename", "stack_trace"}
    ordered = api.get("/importErrors", order_by="-filename", limit=2).json["import_errors"]
    assert [row["filename"] for row in ordered] == ["/dags/theirs.py", "/dags/none.py"]
    assert api.get("/importErrors", order_by="stack_trace").status == 400


def test_one_error_is_answered(api: Api, errors: dict[str, int]) -> None:
    assert api.get(f"/importErrors/{errors['none']}").json["stack_trace"] == "trace of none"
    assert (api.get("/importErrors/999999").status, api.get(f"/importErrors/{2**63}").status) == (404, 404)


def test_who_may_read_one_dag_sees_the_errors_of_its_file(api: Api, errors: dict[str, int], d1only: User) -> None:
    listed = api.get("/importErrors", user="d1only").json
    assert [row["stack_trace"] for row in listed["import_errors"]] == ["trace of mine"]
    assert listed["total_entries"] == 1
    statuses = {name: api.get(f"/importErrors/{pk}", user="d1only").status for name, pk in errors.items()}
    assert statuses == {"mine": 200, "theirs": 403, "both": 403, "none": 403}


def test_the_trace_of_a_shared_file_is_hidden(api: Api, errors: dict[str, int], d1only: User) -> None:
    DagFactory(dag_id="d3", fileloc="/dags/mine.py")
    assert [row["stack_trace"] for row in api.get("/importErrors", user="d1only").json["import_errors"]] == [HIDDEN]
    assert api.get(f"/importErrors/{errors['mine']}", user="d1only").json["stack_trace"] == HIDDEN
    assert api.get(f"/importErrors/{errors['mine']}").json["stack_trace"] == "trace of mine"
