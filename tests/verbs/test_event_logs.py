"""The audit log, as far as a caller may read it."""

from __future__ import annotations

import pytest

from orchestration.errors import Forbidden, NotFound
from orchestration.services import event_logs
from tests.factories import EventLogFactory
from tests.people import person, restricted

pytestmark = pytest.mark.django_db


def test_one_who_may_read_every_dag_sees_every_row():
    rows = {EventLogFactory(dag_id="d1"), EventLogFactory(dag_id=None)}
    assert set(event_logs.visible(person("Viewer"))) == rows == set(event_logs.visible(None))


def test_others_see_the_rows_of_their_dags():
    user = restricted()
    mine = EventLogFactory(dag_id="d1")
    for dag_id in ("d2", "d", "d11", None):
        EventLogFactory(dag_id=dag_id)
    assert list(event_logs.visible(user)) == [mine]


def test_another_dag_is_not_asked_for():
    user = restricted()
    event_logs.require_dag(user, "d1")
    with pytest.raises(Forbidden):
        event_logs.require_dag(user, "d2")


def test_a_row_that_is_not_there_is_not_found():
    assert event_logs.found(1) == 1
    with pytest.raises(NotFound):
        event_logs.found(None)
