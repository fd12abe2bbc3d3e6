"""Wake-ups: heard when the transaction commits, not heard when it rolls back."""

from __future__ import annotations

import select
import time

import pytest
from django.db import connection, transaction

from orchestration.models.wakeups import Listener, notify

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_listener_hears_its_channel_and_no_other():
    with Listener("scheduler") as scheduler, Listener("triggerer") as triggerer:
        notify("scheduler")
        assert scheduler.wait(5)
        assert not triggerer.wait(0)


def test_many_wake_ups_are_one():
    with Listener("scheduler") as listener:
        for _ in range(500):
            notify("scheduler")
        wakes = 0
        while listener.wait(5 if not wakes else 0.5):
            listener.drain()
            wakes += 1
        assert 1 <= wakes < 50


def test_a_wake_up_is_sent_when_the_transaction_commits():
    with Listener("scheduler") as listener:
        with transaction.atomic():
            notify("scheduler")
            assert not listener.wait(0.05)
        assert listener.wait(5)


def test_a_rolled_back_transaction_wakes_nobody():
    with Listener("scheduler") as listener:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            notify("scheduler")
            _ = 1 / 0
        assert not listener.wait(0.05)


def test_waking_without_a_listener_is_no_error():
    notify("scheduler")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's sessions")
def test_a_broken_connection_counts_as_a_wake_up_and_another_is_heard_by_the_same_descriptor(monkeypatch):
    with Listener("scheduler") as listener:
        descriptor = listener.fileno()
        connect = listener._connect

        def refuse():
            raise OSError("the server is away")

        monkeypatch.setattr(listener, "_connect", refuse)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN airflowsite_scheduler%'"
            )
        assert listener.wait(10) or listener.wait(10)  # the farewell of the server may come before the end
        assert not listener.wait(0)  # as long as there is no server
        monkeypatch.setattr(listener, "_connect", connect)
        limit = time.monotonic() + 30
        while not listener.revive():
            assert time.monotonic() < limit
            time.sleep(0.05)
        notify("scheduler")
        assert select.select([descriptor], [], [], 10)[0] == [descriptor] == [listener.fileno()]
        assert listener.drain()
