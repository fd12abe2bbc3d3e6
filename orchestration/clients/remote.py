"""The system through a remote server's stable API, or through its legacy one where only that is there.

The server and the way to sign in are options of ``[cli]``: ``endpoint_url`` (user name and password may stand in it),
``token``, or ``username`` and ``password``; a Kerberos ticket where ``[api]`` names that backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from orchestration.clients.base import Clearing, ConnectionValue, InstanceValue, PoolValue, RunValue, VariableValue
from orchestration.clients.moments import as_moment
from orchestration.clients.sentences import no_dag, no_instance, no_run
from orchestration.conf import conf
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound, OrchestrationError, Unavailable

_TIMEOUT_SECONDS = 60.0
_PAGE = 100
_KINDS: Mapping[int, type[OrchestrationError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
}
Row = Mapping[str, Any]


class RemoteClient:
    """See ``base.Client``."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._is_stable: bool | None = None

    @classmethod
    def configured(cls) -> RemoteClient:
        """The client of ``[cli] endpoint_url``."""
        parts = urlsplit(conf.get("cli", "endpoint_url"))
        address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        token = conf.get("cli", "token")
        username = parts.username or conf.get("cli", "username")
        auth: httpx.Auth | None = None
        headers = {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif username:
            auth = httpx.BasicAuth(username, parts.password or conf.get("cli", "password"))
        elif "kerberos" in f"{conf.get('api', 'auth_backend')} {conf.get('api', 'auth_backends')}":
            from orchestration.clients.negotiate import NegotiateAuth  # an optional package

            auth = NegotiateAuth(parts.hostname or "localhost")
        return cls(httpx.Client(base_url=address, auth=auth, headers=headers, timeout=_TIMEOUT_SECONDS))

    # the road

    def _send(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None, is_open: bool = False
    ) -> Any:
        """One call; its JSON value, None without one. Raises what the server refuses, Unavailable where it is not.

        ``is_open``: the server asks nobody there who calls, and so proves nothing of itself to a ticket either.
        """
        auth = None if is_open else self._http.auth
        try:
            answer = self._http.request(method, path, json=body, params=query, auth=auth)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._http.base_url} does not answer: {error}. Check [cli] endpoint_url.") from None
        if answer.is_success:
            return answer.json() if answer.content and "json" in answer.headers.get("Content-Type", "") else None
        raise _KINDS.get(answer.status_code, Unavailable)(_reason(answer))

    def _stable(self, method: str, path: str, **also: Any) -> Any:
        if not self._has_stable():
            raise Unavailable("The server has only the experimental API, which cannot do this. Use its own commands.")
        return self._send(method, f"/api/v1{path}", **also)

    def _legacy(self, method: str, path: str, **also: Any) -> Any:
        return self._send(method, f"/api/experimental{path}", **also)

    def _has_stable(self) -> bool:
        if self._is_stable is None:
            try:
                self._send("GET", "/api/v1/health", is_open=True)
                self._is_stable = True
            except NotFound:
                self._is_stable = False
        return self._is_stable

    def _all(self, path: str, member: str, **query: Any) -> Iterator[Row]:
        offset = 0
        while True:
            page = self._stable("GET", path, query={**query, "limit": _PAGE, "offset": offset})
            yield from page[member]
            offset += len(page[member])
            if not page[member] or offset >= page["total_entries"]:
                return

    def _named(self, ask: Callable[[], Any], sentence: str) -> Any:
        try:
            return ask()
        except NotFound:
            raise NotFound(sentence) from None

    # DAGs and runs

    def dag_ids(self) -> list[str]:
        return sorted(row["dag_id"] for row in self._all("/dags", "dags", only_active="true"))

    def is_paused(self, dag_id: str) -> bool:
        if self._has_stable():
            return bool(self._dag(dag_id)["is_paused"])
        return bool(self._legacy("GET", f"/dags/{_id(dag_id)}/paused")["is_paused"])

    def set_paused(self, dag_id: str, is_paused: bool) -> None:
        if self._has_stable():
            self._stable("PATCH", f"/dags/{_id(dag_id)}", body={"is_paused": is_paused})
        else:
            self._legacy("GET", f"/dags/{_id(dag_id)}/paused/{str(is_paused).lower()}")

    def delete_dag(self, dag_id: str) -> str:
        if not self._has_stable():
            return str(self._legacy("DELETE", f"/dags/{_id(dag_id)}")["message"])
        self._dag(dag_id)
        runs = self._stable("GET", f"/dags/{_id(dag_id)}/dagRuns", query={"limit": 1})["total_entries"]
        self._stable("DELETE", f"/dags/{_id(dag_id)}")
        return f"Removed {runs + 1} record(s)"

    def trigger(
        self,
        dag_id: str,
        *,
        run_id: str | None,
        conf: dict[str, Any] | None,
        logical_date: datetime | None,
        replace_microseconds: bool,
    ) -> RunValue:
        if not self._has_stable():
            return self._trigger_legacy(dag_id, run_id, conf, logical_date, replace_microseconds)
        body: dict[str, Any] = {"conf": conf or {}}
        if run_id:
            body["dag_run_id"] = run_id
        moment = logical_date or datetime.now().astimezone()
        if logical_date is not None or replace_microseconds:
            if replace_microseconds:
                moment = moment.replace(microsecond=0)
            body["logical_date"] = moment.isoformat()
        made = self._named(lambda: self._stable("POST", f"/dags/{_id(dag_id)}/dagRuns", body=body), no_dag(dag_id))
        return _run_value(made)

    def _trigger_legacy(
        self,
        dag_id: str,
        run_id: str | None,
        conf: dict[str, Any] | None,
        logical_date: datetime | None,
        replace_microseconds: bool,
    ) -> RunValue:
        body = {
            "run_id": run_id,
            "conf": conf or {},
            "execution_date": logical_date.isoformat() if logical_date else None,
            "replace_microseconds": str(replace_microseconds).lower(),
        }
        made = self._named(lambda: self._legacy("POST", f"/dags/{_id(dag_id)}/dag_runs", body=body), no_dag(dag_id))
        moment = _moment(made["execution_date"])
        return RunValue(dag_id, made["run_id"], "queued", moment, conf=conf or {})

    def runs(
        self, dag_id: str, *, state: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[RunValue]:
        if not self._has_stable():
            return self._legacy_runs(dag_id, state, start, end)
        self._dag(dag_id)
        query: dict[str, Any] = {"order_by": "-execution_date"}
        if state:
            query["state"] = state
        if start:
            query["execution_date_gte"] = start.isoformat()
        if end:
            query["execution_date_lte"] = end.isoformat()
        return [_run_value(row) for row in self._all(f"/dags/{_id(dag_id)}/dagRuns", "dag_runs", **query)]

    def _legacy_runs(
        self, dag_id: str, state: str | None, start: datetime | None, end: datetime | None
    ) -> list[RunValue]:
        rows = self._legacy("GET", f"/dags/{_id(dag_id)}/dag_runs", query={"state": state} if state else None)
        found = [
            RunValue(
                row["dag_id"],
                row["run_id"],
                row["state"],
                _moment(row["execution_date"]),
                run_type=row["run_id"].partition("__")[0],
                start_date=_moment(row["start_date"]) if row["start_date"] else None,
            )
            for row in rows
        ]
        kept = (
            run for run in found if (not start or run.logical_date >= start) and (not end or run.logical_date <= end)
        )
        return sorted(kept, key=lambda run: run.logical_date, reverse=True)

    def _dag(self, dag_id: str) -> Row:
        found: Row = self._named(lambda: self._stable("GET", f"/dags/{_id(dag_id)}"), no_dag(dag_id))
        return found

    # tasks

    def task_ids(self, dag_id: str) -> list[str]:
        found = self._named(lambda: self._stable("GET", f"/dags/{_id(dag_id)}/tasks"), no_dag(dag_id))
        return [task["task_id"] for task in found["tasks"]]

    def clear(self, dag_id: str, what: Clearing, *, dry_run: bool) -> list[InstanceValue]:
        body: dict[str, Any] = {
            "dry_run": dry_run,
            "only_failed": what.only_failed,
            "only_running": what.only_running,
            "include_subdags": True,
            "include_parentdag": True,
            "reset_dag_runs": True,
            "include_upstream": what.upstream,
            "include_downstream": what.downstream,
        }
        if what.task_ids is not None:
            body["task_ids"] = list(what.task_ids)
        if what.start:
            body["start_date"] = what.start.isoformat()
        if what.end:
            body["end_date"] = what.end.isoformat()
        cleared = self._named(
            lambda: self._stable("POST", f"/dags/{_id(dag_id)}/clearTaskInstances", body=body), no_dag(dag_id)
        )
        return [
            InstanceValue(
                dag_id=row["dag_id"],
                task_id=row["task_id"],
                run_id=row["dag_run_id"],
                map_index=row.get("map_index", -1),
                state=None,
                logical_date=_moment(row["execution_date"]),
            )
            for row in cleared["task_instances"]
        ]

    def instance(self, dag_id: str, task_id: str, run: str, map_index: int) -> InstanceValue:
        if not self._has_stable():
            return self._legacy_instance(dag_id, task_id, run, map_index)
        run_id = self._run_id(dag_id, run)
        path = f"/dags/{_id(dag_id)}/dagRuns/{_id(run_id)}/taskInstances/{_id(task_id)}"
        found = self._named(
            lambda: self._stable("GET", f"{path}/{map_index}" if map_index >= 0 else path),
            no_instance(dag_id, task_id, run, map_index),
        )
        return InstanceValue(
            dag_id, task_id, found["dag_run_id"], found["map_index"], found["state"], _moment(found["execution_date"])
        )

    def _legacy_instance(self, dag_id: str, task_id: str, run: str, map_index: int) -> InstanceValue:
        if map_index >= 0:
            raise Unavailable("The server has only the experimental API, which does not know map indexes.")
        moment = as_moment(run)
        found = [each for each in self._legacy_runs(dag_id, None, None, None) if each.run_id == run]
        found = found or [each for each in self._legacy_runs(dag_id, None, moment, moment) if moment is not None]
        if not found:
            raise NotFound(no_run(dag_id, run))
        of_run = found[0]
        path = f"/dags/{_id(dag_id)}/dag_runs/{_id(of_run.logical_date.isoformat())}/tasks/{_id(task_id)}"
        row = self._named(lambda: self._legacy("GET", path), no_instance(dag_id, task_id, run, map_index))
        state = None if row["state"] in {None, "None"} else str(row["state"])  # this API answers in texts
        return InstanceValue(dag_id, task_id, of_run.run_id, map_index, state, of_run.logical_date)

    def _run_id(self, dag_id: str, word: str) -> str:
        try:
            return str(self._stable("GET", f"/dags/{_id(dag_id)}/dagRuns/{_id(word)}")["dag_run_id"])
        except NotFound:
            moment = as_moment(word)
        if moment is not None:
            query = {"execution_date_gte": moment.isoformat(), "execution_date_lte": moment.isoformat()}
            found = self._stable("GET", f"/dags/{_id(dag_id)}/dagRuns", query=query)["dag_runs"]
            if found:
                return str(found[0]["dag_run_id"])
        raise NotFound(no_run(dag_id, word))

    # pools

    def pools(self) -> list[PoolValue]:
        if self._has_stable():
            return [_pool_value(row) for row in self._all("/pools", "pools", order_by="id")]
        return [_pool_value(row) for row in self._legacy("GET", "/pools")]

    def pool(self, name: str) -> PoolValue:
        if self._has_stable():
            return _pool_value(self._stable("GET", f"/pools/{_id(name)}"))
        return _pool_value(self._legacy("GET", f"/pools/{_id(name)}"))

    def set_pool(self, pool: PoolValue) -> None:
        body = {"name": pool.name, "slots": pool.slots, "description": pool.description}
        if not self._has_stable():
            self._legacy("POST", "/pools", body=body)
            return
        body["include_deferred"] = pool.include_deferred
        try:
            self._stable("PATCH", f"/pools/{_id(pool.name)}", body=body)
        except NotFound:
            self._stable("POST", "/pools", body=body)

    def delete_pool(self, name: str) -> None:
        if self._has_stable():
            self._stable("DELETE", f"/pools/{_id(name)}")
        else:
            self._legacy("DELETE", f"/pools/{_id(name)}")

    # variables and connections

    def variables(self) -> list[VariableValue]:
        return [_variable_value(row) for row in self._all("/variables", "variables", order_by="id")]

    def variable(self, key: str) -> VariableValue:
        return _variable_value(self._stable("GET", f"/variables/{_id(key)}"))

    def set_variable(self, variable: VariableValue) -> None:
        body = {"key": variable.key, "value": variable.val or ""}
        if variable.description is not None:
            body["description"] = variable.description
        self._stable("POST", "/variables", body=body)

    def delete_variable(self, key: str) -> bool:
        try:
            self._stable("DELETE", f"/variables/{_id(key)}")
        except NotFound:
            return False
        return True

    def connections(self) -> list[ConnectionValue]:
        rows = list(self._all("/connections", "connections", order_by="connection_id"))
        return [self.connection(row["connection_id"]) for row in rows]  # only a single one shows its extra

    def connection(self, conn_id: str) -> ConnectionValue:
        row = self._stable("GET", f"/connections/{_id(conn_id)}")
        names = ("conn_type", "description", "host", "schema", "login", "port", "extra")
        return ConnectionValue(conn_id=row["connection_id"], **{name: row.get(name) for name in names})

    def add_connection(self, connection: ConnectionValue) -> None:
        self._stable("POST", "/connections", body=_connection_body(connection))

    def replace_connection(self, connection: ConnectionValue) -> None:
        self._stable("PATCH", f"/connections/{_id(connection.conn_id)}", body=_connection_body(connection))

    def delete_connection(self, conn_id: str) -> None:
        self._stable("DELETE", f"/connections/{_id(conn_id)}")


def _id(text: str) -> str:
    return quote(text, safe="")


def _reason(answer: httpx.Response) -> str:
    """What the server said: a problem document's detail or title, the legacy API's error, or its status."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict):
        for name in ("detail", "error", "title"):
            if said.get(name):
                return str(said[name])
    return f"The server answered {answer.status_code} {answer.reason_phrase}."


def _moment(text: str) -> datetime:
    found = as_moment(text)
    if found is None:
        raise Invalid(f"The server answered {text!r} where a moment belongs.")
    return found


def _run_value(row: Row) -> RunValue:
    def at(name: str) -> datetime | None:
        return _moment(row[name]) if row.get(name) else None

    return RunValue(
        dag_id=row["dag_id"],
        run_id=row["dag_run_id"],
        state=row["state"],
        logical_date=_moment(row["execution_date"]),
        run_type=row["run_type"],
        data_interval_start=at("data_interval_start"),
        data_interval_end=at("data_interval_end"),
        start_date=at("start_date"),
        end_date=at("end_date"),
        last_scheduling_decision=at("last_scheduling_decision"),
        external_trigger=bool(row["external_trigger"]),
        conf=row.get("conf") or {},
    )


def _pool_value(row: Row) -> PoolValue:
    return PoolValue(
        row.get("name") or row["pool"], row["slots"], row["description"], bool(row.get("include_deferred", False))
    )


def _variable_value(row: Row) -> VariableValue:
    return VariableValue(row["key"], row["value"], row.get("description"))


def _connection_body(connection: ConnectionValue) -> dict[str, Any]:
    names = ("conn_type", "description", "host", "schema", "login", "password", "port", "extra")
    sent = {name: getattr(connection, name) for name in names if getattr(connection, name) is not None}
    return {"connection_id": connection.conn_id, **sent}
