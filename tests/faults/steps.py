"""What fault tests do with a system: trigger with a name and a key until it is done, wait, and ask for the evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.evidence import Call, Evidence, Row, read
from tests.faults.invariants import is_quiet, violations
from tests.live import LiveSystem

#: Seconds that anything may take on a machine that has much else to do.
PATIENCE = 120.0


@dataclass
class Caller:
    """Triggers runs and keeps what was answered; may be used by several threads."""

    system: LiveSystem
    #: Whether the web server may be killed, so that an answer never comes: that is "try again", too.
    may_break: bool = False
    calls: list[Call] = field(default_factory=list)
    #: Answers that are neither success nor "try again", and those without a ``Retry-After``.
    wrong: list[str] = field(default_factory=list)

    def trigger(self, dag_id: str, run_id: str) -> int | None:
        """Ask once for a run of this name; the status, recorded."""
        with self.client() as api:
            return self._ask(api, dag_id, run_id)

    def trigger_until_done(self, dag_id: str, run_id: str) -> int:
        """Ask with one key as long as the answer is "try again"; how often that was."""
        limit = time.monotonic() + PATIENCE
        refused = 0
        with self.client() as api:
            while self._ask(api, dag_id, run_id) != 200:
                refused += 1
                assert time.monotonic() < limit, (
                    f"{dag_id} {run_id} was never made: {self.calls[-3:]} {self.wrong[-3:]}"
                )
                time.sleep(0.1)
        return refused

    def client(self) -> httpx.Client:
        """One of the stable API."""
        return httpx.Client(base_url=f"{self.system.url}/api/v1", auth=self.system.credentials, timeout=PATIENCE)

    def _ask(self, api: httpx.Client, dag_id: str, run_id: str) -> int | None:
        headers = {"Idempotency-Key": f"{dag_id}/{run_id}"}
        try:
            answer = api.post(f"/dags/{dag_id}/dagRuns", json={"dag_run_id": run_id}, headers=headers)
        except httpx.TransportError:
            if not self.may_break:
                raise
            self.calls.append(Call(dag_id, run_id, None))
            return None
        is_replayed = answer.headers.get("Idempotency-Replayed") == "true"
        if not is_replayed:
            self.calls.append(Call(dag_id, run_id, answer.status_code))
        self.wrong += complaints(answer)
        return answer.status_code


def complaints(answer: httpx.Response) -> list[str]:
    """What is wrong with an answer that may be a success or a 503."""
    if answer.status_code < 300:
        return []
    told = f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:200]}"
    if answer.status_code != 503:
        return [told]
    is_document = answer.headers["Content-Type"].startswith("application/problem+json")
    return [] if is_document and answer.headers.get("Retry-After") else [f"{told} {dict(answer.headers)}"]


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """What the condition gave when it held first."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"It did not happen in {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return found


def settled(system: LiveSystem, url: str | None, calls: Iterable[Call] = ()) -> Evidence:
    """The evidence when all runs are over and no process is left, or when that takes too long."""
    limit = time.monotonic() + PATIENCE
    while True:
        evidence = read(system.home, url, calls=tuple(calls))
        is_over = is_quiet(evidence) and not violations(evidence, only=["I04", "I11", "I15"])
        if is_over or time.monotonic() > limit:
            return evidence
        time.sleep(0.2)


def assert_sound(system: LiveSystem, url: str | None, caller: Caller | None = None) -> Evidence:
    """All runs come to their end, every invariant holds, and the log tells no trace; the evidence."""
    evidence = settled(system, url, caller.calls if caller else ())
    assert is_quiet(evidence), [run for run in evidence.rows["dagrun"] if run["state"] not in {"success", "failed"}]
    found = violations(evidence)
    assert found == [], found
    if caller is not None:
        assert caller.wrong == []
    log = system.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 1000 :][:4000]
    return evidence


def run_of(evidence: Evidence, dag_id: str, run_id: str) -> Row:
    """A run's row."""
    return next(row for row in evidence.rows["dagrun"] if (row["dag_id"], row["run_id"]) == (dag_id, run_id))
