from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from orchestration.authoring.compat.module_loading import import_string
from orchestration.authoring.exceptions import AirflowException, AirflowRescheduleException, TaskDeferred
from orchestration.authoring.hooks.http import HttpAsyncHook, HttpErrorException, HttpHook, HttpMethodException
from orchestration.authoring.operators.http import HttpOperator
from orchestration.authoring.sensors.http import HttpSensor
from orchestration.authoring.triggers.http import HttpSensorTrigger, HttpTrigger, decode_response, encode_response
from tests.authoring.hooks.servers import http_server
from tests.authoring.operators.support import connection_value, execute, make_dag

OK = (200, {"Content-Type": "application/json"}, {"n": 1})


@pytest.fixture
def server(memory):
    answers: dict[str, Any] = {
        "/ok": OK,
        "/moved": (302, {"Location": "/ok"}, ""),
        "/bad": (403, {}, "no"),
        "/broken": (500, {}, "oh"),
        "/later": [(404, {}, ""), (404, {}, ""), OK],
        "/flaky": [(500, {}, ""), OK],
        "/page": [(200, {}, {"next": 2}), (200, {}, {"next": None})],
    }
    with http_server(answers) as (port, calls):
        memory.connections["web"] = connection_value("web", "http", host="127.0.0.1", port=port)
        memory.port = port
        yield calls


def hook(method="GET", **kwargs):
    return HttpHook(method, "web", **kwargs)


def test_a_get_sends_data_as_the_query(server):
    response = hook().run("ok", data={"a": "1 2"}, headers={"X-Mine": "x"})
    assert response.json() == {"n": 1}
    assert (vars(response)["ok"], vars(response)["reason"], response.status_code) == (True, "OK", 200)
    assert (server[0]["query"], server[0]["headers"]["X-Mine"]) == ("a=1+2", "x")


@pytest.mark.parametrize(
    ("data", "kwargs", "body"),
    [({"a": 1}, {}, "a=1"), ("text", {}, "text"), (None, {"json": {"a": 1}}, '{"a":1}'), (None, {}, "")],
)
def test_other_methods_send_data_as_the_body(server, data, kwargs, body):
    hook("POST").run("/ok", data=data, **kwargs)
    assert server[0]["body"] == body


def test_login_and_extra_of_the_connection_are_used(server, memory):
    memory.connections["web"] |= {"login": "ann", "password": "s", "extra": '{"X-Key": "k", "timeout": 5}'}
    hook().run("/ok")
    sent = server[0]["headers"]
    assert sent["Authorization"] == "Basic " + base64.b64encode(b"ann:s").decode()
    assert sent["X-Key"] == "k"
    assert "timeout" not in sent


def test_another_authentication_may_be_given(server, memory):
    memory.connections["web"] |= {"login": "ann", "password": "s"}

    def bearer(login, password):
        def sign(request):
            request.headers["Authorization"] = f"Bearer {login}{password}"
            return request

        return sign

    hook(auth_type=bearer).run("/ok")
    assert server[0]["headers"]["Authorization"] == "Bearer anns"


def test_errors_are_raised_with_status_and_reason_unless_unwanted(server, memory):
    with pytest.raises(AirflowException, match="403:Forbidden"):
        hook().run("/bad")
    assert hook().run("/bad", extra_options={"check_response": False}).is_success is False
    memory.connections["web"]["extra"] = '{"check_response": false}'
    assert hook().run("/bad").status_code == 403


def test_redirects_are_followed_unless_unwanted(server):
    assert hook().run("/moved").json() == {"n": 1}
    assert hook().run("/moved", extra_options={"allow_redirects": False}).status_code == 302


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"host": "https://a.b/c"}, "https://a.b/c/x"),
        ({"host": "a.b", "schema": "https", "port": 8}, "https://a.b:8/x"),
        ({"host": "a.b"}, "http://a.b/x"),
    ],
)
def test_the_address_is_made_of_the_connections_parts(memory, parts, expected):
    memory.connections["web"] = connection_value("web", "http", **parts)
    made = hook()
    made.get_conn().close()
    assert made.url_from_endpoint("x") == made.url_from_endpoint("/x") == expected


def test_a_connection_can_be_tested(server, memory):
    assert HttpHook("GET", "web").test_connection() == (False, "404:Not Found")
    memory.connections["web"]["host"] = f"http://127.0.0.1:{memory.port}/ok"
    memory.connections["web"]["port"] = None
    assert HttpHook("GET", "web").test_connection() == (True, "Connection successfully tested")


def test_an_operator_gives_the_answers_text(server):
    with make_dag():
        task = HttpOperator(task_id="t", http_conn_id="web", endpoint="ok", method="GET", data={"day": "{{ ds }}"})
    assert json.loads(execute(task).result) == {"n": 1}
    assert server[0]["query"] == "day=2024-03-05"


def test_an_operator_checks_and_filters(server):
    def make(**kwargs):
        with make_dag():
            return HttpOperator(task_id="t", http_conn_id="web", endpoint="ok", method="GET", **kwargs)

    task = make(
        response_check=lambda response, ds: response.json()["n"] == 1 and ds == "2024-03-05",
        response_filter=lambda response: response.json()["n"],
    )
    assert execute(task).result == 1
    with pytest.raises(AirflowException, match="response_check found the answer wrong"):
        execute(make(response_check=lambda response: False))


def paged(**kwargs):
    with make_dag():
        return HttpOperator(
            task_id="t", http_conn_id="web", endpoint="page", method="GET", data={"size": 10},
            pagination_function=lambda response: {"data": {"page": n}} if (n := response.json()["next"]) else None,
            response_filter=lambda pages: [page.json()["next"] for page in pages], **kwargs,
        )  # fmt: skip


def test_an_operator_asks_for_page_after_page(server):
    assert execute(paged()).result == [2, None]
    assert [call["query"] for call in server] == ["size=10", "size=10&page=2"]


def fire(trigger):
    async def first():
        return await anext(trigger.run())

    path, arguments = trigger.serialize()
    trigger = import_string(path.replace("airflow.providers.http", "orchestration.authoring"))(
        **json.loads(json.dumps(arguments))
    )
    return asyncio.run(asyncio.wait_for(first(), 10)).payload


def test_a_deferred_operator_asks_for_page_after_page_in_the_triggerer(server):
    task = paged(deferrable=True)
    with pytest.raises(TaskDeferred) as first:
        execute(task)
    event = fire(first.value.trigger)
    with pytest.raises(TaskDeferred) as second:
        execute(task, resume=("execute_complete", {"event": event}))
    kept = json.loads(json.dumps(second.value.kwargs))
    event = fire(second.value.trigger)
    assert execute(task, resume=("execute_complete", {"event": event, **kept})).result == [2, None]
    assert [call["query"] for call in server] == ["size=10", "size=10&page=2"]


def test_an_error_in_the_triggerer_fails_the_task(server):
    with make_dag():
        task = HttpOperator(task_id="t", http_conn_id="web", endpoint="bad", method="GET", deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        execute(task)
    event = fire(deferred.value.trigger)
    assert event == {"status": "error", "message": "403:Forbidden"}
    with pytest.raises(AirflowException, match="403:Forbidden"):
        execute(task, resume=("execute_complete", {"event": event}))


def test_a_response_survives_the_way_through_json(server):
    sent = hook().run("/ok")
    received = decode_response(json.loads(json.dumps(encode_response(sent))))
    assert (received.status_code, received.json(), vars(received)["ok"]) == (200, {"n": 1}, True)
    assert received.headers["content-type"] == "application/json"
    assert str(received.url) == str(sent.url)


def test_the_async_hook_tries_again_after_a_servers_error(server):
    response = asyncio.run(HttpAsyncHook("GET", "web", retry_delay=0.01).run(endpoint="flaky"))
    assert response.json() == {"n": 1}
    assert len(server) == 2


@pytest.mark.parametrize(("path", "calls"), [("bad", 1), ("broken", 3)])
def test_the_async_hook_gives_up(server, path, calls):
    with pytest.raises(HttpErrorException):
        asyncio.run(HttpAsyncHook("GET", "web", retry_delay=0.01).run(endpoint=path))
    assert len(server) == calls


def test_the_async_hook_refuses_what_is_no_method():
    with pytest.raises(HttpMethodException, match="SING"):
        asyncio.run(HttpAsyncHook("sing", "").run(endpoint="http://127.0.0.1/"))
    with pytest.raises(ValueError, match="from 1 up"):
        HttpAsyncHook(retry_limit=0)


def sensor(**kwargs):
    with make_dag():
        return HttpSensor(task_id="t", http_conn_id="web", mode="reschedule", **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"endpoint": "ok"}, "done"),
        ({"endpoint": "none"}, "wait"),
        ({"endpoint": "none", "response_error_codes_allowlist": []}, "fail"),
        ({"endpoint": "broken"}, "fail"),
        ({"endpoint": "broken", "response_error_codes_allowlist": ["404", "500"]}, "wait"),
        ({"endpoint": "ok", "response_check": lambda response, ti: response.json()["n"] == 1}, "done"),
        ({"endpoint": "ok", "response_check": lambda response: False}, "wait"),
        (
            {"endpoint": "broken", "extra_options": {"check_response": False}, "response_check": lambda r: not r.ok},
            "done",
        ),
    ],
)
def test_what_a_sensor_makes_of_an_answer(server, kwargs, expected):
    if expected == "done":
        execute(sensor(**kwargs))
        return
    error = {"wait": AirflowRescheduleException, "fail": AirflowException}[expected]
    with pytest.raises(error) as raised:
        execute(sensor(**kwargs))
    assert type(raised.value) is error


def test_a_deferrable_sensor_waits_in_the_triggerer(server):
    task = sensor(endpoint="later", deferrable=True, poke_interval=0.01, timeout=30)
    with pytest.raises(TaskDeferred) as deferred:
        execute(task)
    assert deferred.value.timeout == timedelta(seconds=30)
    assert isinstance(deferred.value.trigger, HttpSensorTrigger)
    assert fire(deferred.value.trigger) is True
    assert len(server) == 3
    execute(task, resume=("execute_complete", {"event": True}))


def test_another_error_ends_the_triggers_wait(server):
    with pytest.raises(AirflowException, match="403"):
        fire(HttpSensorTrigger(endpoint="bad", http_conn_id="web"))


def test_a_class_of_authentication_travels_by_its_path():
    import httpx

    assert HttpTrigger(auth_type=httpx.BasicAuth).serialize()[1]["auth_type"] == "httpx.BasicAuth"
