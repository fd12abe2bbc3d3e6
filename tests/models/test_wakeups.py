"""Wake-ups: heard when the transaction commits, not heard when it rolls back."""

from __future__ import annotations

import pytest
from django.db import transaction

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
