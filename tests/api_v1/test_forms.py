"""How bodies and queries are read before any operation looks at them, as the reference reads them."""

from __future__ import annotations

import pytest

from orchestration.models import Variable
from tests.api_v1.conftest import Api
from tests.factories import make_dag, make_run

JSON = b'{"key": "k", "value": "v"}'


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (JSON, "application/json; charset=ISO-8859-1"),  # what some HTTP libraries put there by themselves
        (JSON, "application/json; charset=utf-8"),
        (JSON, "Application/JSON"),
        (JSON, "application/vnd.api+json"),
        (b"\xef\xbb\xbf" + JSON, "application/json"),
    ],
)
def test_json_is_utf_8_whatever_its_type_says_of_signs(api: Api, raw: bytes, content_type: str) -> None:
    assert api.post("/variables", raw=raw, content_type=content_type).status == 200
    assert Variable.objects.get().key == "k"


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf{}", '{"key": "é", "value": ""}'.encode("latin-1")]
)
def test_what_is_not_utf_8_json_is_refused(api: Api, raw: bytes) -> None:
    assert api.post("/variables", raw=raw, content_type="application/json; charset=latin-1").status == 400


PART = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (PART, "multipart/form-data; boundary=x", 415),
        (PART, "multipart/mixed; boundary=x", 415),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400),
        (PART, "multipart/form-data; boundary=other", 400),
        (PART, "multipart/form-data", 400),
        (JSON, "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_form_is_refused_by_its_type_and_one_without_fields_as_empty(
    api: Api, raw: bytes, content_type: str, status: int
) -> None:
    answer = api.post("/variables", raw=raw, content_type=content_type)
    assert answer.status == status
    assert (answer.detail == "Request body must not be empty") == (status == 400)


@pytest.mark.parametrize("path", ["/variables", "/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"])
def test_where_an_operation_has_no_parameters_at_all_none_is_refused(api: Api, path: str) -> None:
    body = {"key": "k", "value": "v"} if path == "/variables" else {}
    assert api.post(path, body, unknown="1").status == 200


def test_where_the_path_has_parameters_unknown_ones_of_the_query_are_refused(api: Api) -> None:
    answer = api.delete("/variables/k", unknown="1")
    assert (answer.status, answer.title) == (400, None)
    assert answer.detail == "Extra query parameter(s) unknown not in spec"


def test_a_body_is_judged_before_the_query(api: Api) -> None:
    answer = api.patch("/variables/k", {"key": 5}, unknown="1")
    assert (answer.status, answer.title) == (400, "Bad Request")
    assert answer.detail == "5 is not of type 'string' - 'key'"
    assert api.patch("/variables/k", {"key": "k", "value": "v"}, unknown="1").title is None


@pytest.mark.parametrize("name", ["page_limit", "page_offset"])
@pytest.mark.parametrize("path", ["/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"])
def test_pages_of_batches_may_lie_far_out(api: Api, path: str, name: str) -> None:
    assert api.post(path, {name: 2**31}).status == 200
    assert api.post(path, {name: 2**63 - 1}).status == 200
    assert api.post(path, {name: 2**63}).status == 400


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("2022-01-01T00:00:00Z", None),
        ("2022-01-01T00:00:00.5+02:00", None),
        ("2022-01-01 00:00:00+0000", None),
        ("2022-1-1T0:0:0+00", None),
        ("2022-01-01T00:00Z", None),
        ("2022-01-01T00:00:00", "Invalid datetime format"),
        ("2022-01-01", "Bad Request"),
        ("2022-13-01T00:00:00Z", "Bad Request"),
        ("2022-01-01T00:00:00+25:00", "Bad Request"),
        ("junk", "Bad Request"),
    ],
)
def test_the_dates_of_a_clear_are_read_loosely(api: Api, text: str, title: str | None) -> None:
    make_run(make_dag("a", dag_id="d1"))
    answer = api.post("/dags/d1/clearTaskInstances", {"start_date": text})
    assert (None if answer.status == 200 else answer.title) == title


def test_a_missing_dag_is_told_before_a_missing_member(api: Api) -> None:
    make_dag("a", dag_id="d1")
    assert api.patch("/dags/nowhere", {}).status == 404
    assert api.patch("/dags/nowhere", {"unknown": 1}).status == 400
    assert api.patch("/dags/d1", {}).status == 400


USER = {"username": "viewer", "email": "viewer@example.com", "first_name": "F", "last_name": "L", "password": "p"}


@pytest.mark.parametrize("name", ["first_name", "last_name", "password"])
def test_a_text_that_is_too_long_is_told_before_a_user_who_is_there_or_not(api: Api, name: str) -> None:
    body = {**USER, name: "x" * 257}
    assert api.post("/users", body).status == 400
    assert api.patch("/users/nobody", body).status == 400


def test_a_role_s_name_has_64_characters_at_most(api: Api) -> None:
    assert api.post("/roles", {"name": "n" * 64, "actions": []}).status == 200
    assert api.post("/roles", {"name": "n" * 65, "actions": []}).status == 400
