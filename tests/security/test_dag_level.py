"""Who may know one DAG learns nothing of another, and changes nothing of it (SECURITY 2; OWASP API1).

Rows of that section which are tested elsewhere: 2023-50783, 2024-28746 and 2024-26280 (``test_matrix``), 2025-62503
(``tests/verbs``), 2026-32228 (``tests/verbs/test_datasets``), 2026-59245 and 2026-45426 (here and in
``tests/access/test_permissions``), 2023-40611 and 2026-41084, bodies against paths of runs and task instances
(``tests/api_v1/test_dag_runs`` and ``…_task_instances``). Not a matter of the API: code of DAG files in the web process
(2023-39508, 2025-62402 and their kin; tested where processes run).
"""

from __future__ import annotations

import pytest

from orchestration.access.permissions import Pair
from orchestration.access.requirements import OPERATIONS
from tests.people import Api, restricted
from tests.security.operations import SERVED, address, body
from tests.security.world import CANARY, RUN, TASK, World

pytestmark = pytest.mark.django_db

OF_ONE_DAG = [o for o in SERVED.values() if "{dag_id}" in o.path]
PLACES = {"dag_run_id": RUN, "task_id": TASK, "xcom_key": "return_value", "task_try_number": "1"}
#: Everything beside DAGs, so that only the grant on d1 decides.
ALSO = {pair for o in OPERATIONS for pair in o.pairs if pair.resource != "DAGs"} | {Pair("can_read", "Audit Logs")}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def d1only(world) -> Api:
    return Api(restricted(also=ALSO))


#: DAG ids that a grant on d1 must not reach.
OTHERS = (
    "d2", "d3a", "nowhere", "d", "d11", "D1", "d1.", "d1 ", " d1", "DAGs", "DAG Runs", "DAG:d1", "%", "d_", "..",
    "d\u0661", "d1\u200b",
)  # fmt: skip


@pytest.mark.parametrize("operation", OF_ONE_DAG, ids=lambda o: o.id)
def test_another_dag_and_a_missing_one_are_the_same_403(world, d1only, operation):
    before = world.rows()
    for dag_id in OTHERS:
        path = address(operation, dag_id=dag_id, uri=f"s3://{CANARY}", **PLACES)
        answer = d1only.call(operation.method, path, body(operation))
        assert (answer.status_code, answer.json()["detail"]) == (403, None), (dag_id, answer.content)
        world.assert_untold(answer.content)
    assert world.rows() == before


@pytest.mark.parametrize("operation", OF_ONE_DAG, ids=lambda o: o.id)
def test_the_granted_dag_is_open(d1only, operation):
    answer = d1only.call(operation.method, address(operation, dag_id="d1", uri="s3://plain", **PLACES), body(operation))
    may_not = {("can_delete", "DAGs")}
    expected = {403} if may_not & set(operation.rule.pairs) else {200, 204, 400, 404, 409}
    assert answer.status_code in expected, answer.content


@pytest.mark.parametrize("wildcard", ["~", "%7E"])
@pytest.mark.parametrize("operation", OF_ONE_DAG, ids=lambda o: o.id)
def test_the_wildcard_shows_and_changes_only_the_granted_dag(world, d1only, operation, wildcard):
    path = address(operation, dag_id="~", **{**PLACES, "dag_run_id": "~", "task_id": "~"}).replace("~", wildcard)
    others = [row for row in world.rows() if "d2" in str(row)]
    answer = d1only.call(operation.method, path, body(operation))
    assert answer.status_code < 500
    world.assert_untold(answer.content)
    if operation.method == "GET" and answer.status_code == 200 and "total_entries" in answer.json():
        assert answer.json()["total_entries"] <= 1
    assert [row for row in world.rows() if "d2" in str(row)] == others or operation.method != "GET"


LISTS = [
    ("/dags", 1),
    ("/dags?dag_id_pattern=d2", 0),
    ("/dags?tags=d2CANARY", 0),
    ("/dags/~/dagRuns", 1),
    ("/dags/~/dagRuns?order_by=-start_date", 1),
    ("/dags/~/dagRuns/~/taskInstances", 1),
    ("/dags/~/dagRuns/r/taskInstances", 1),
    ("/dags/~/dagRuns/~/taskInstances/~/xcomEntries", 1),
    ("/dags/~/dagRuns/r/taskInstances/t/xcomEntries", 1),
    ("/dagStats?dag_ids=d1,d2", 1),
    ("/dagWarnings", 1),
    ("/dagWarnings?dag_id=d2", 0),
    ("/importErrors", 1),
    ("/datasets", 1),
    ("/datasets/events", 1),
    ("/datasets/events?source_dag_id=d2", 0),
    ("/eventLogs", 1),
]


@pytest.mark.parametrize(("path", "total"), LISTS)
def test_lists_and_their_totals_hold_the_granted_dag_only(world, d1only, path, total):
    answer = d1only.get(path)
    if answer.status_code == 403:
        assert total == 0
    else:
        assert answer.status_code == 200, answer.content
        assert answer.json()["total_entries"] == total, answer.content
    world.assert_untold(answer.content, asked="")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/dags/~/dagRuns/list", {}),
        ("/dags/~/dagRuns/list", {"dag_ids": ["d2"]}),
        ("/dags/~/dagRuns/list", {"dag_ids": ["d1", "d2"]}),
        ("/dags/~/dagRuns/~/taskInstances/list", {}),
        ("/dags/~/dagRuns/~/taskInstances/list", {"dag_ids": ["d2"]}),
        ("/dags/~/dagRuns/~/taskInstances/list", {"dag_ids": ["d1", "d2"]}),
        ("/dags/~/dagRuns/~/taskInstances/list", {"dag_run_ids": ["r"]}),
        ("/dags/~/dagRuns/~/taskInstances/list", {"task_ids": ["t"]}),
    ],
)
def test_batches_hold_the_granted_dag_only(world, d1only, path, sent):
    answer = d1only.post(path, sent)
    world.assert_untold(answer.content)
    if answer.status_code == 200:
        assert answer.json()["total_entries"] == (0 if sent.get("dag_ids") == ["d2"] else 1)
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("dag_id", ["d2", "d3a"])
def test_a_file_with_a_hidden_dag_is_not_shown(world, d1only, dag_id):
    token = Api(_admin()).get(f"/dags/{dag_id}").json()["file_token"]
    answer = d1only.get(f"/dagSources/{token}")
    assert answer.status_code == 403
    world.assert_untold(answer.content)
    assert d1only.put(f"/parseDagFile/{token}").status_code == 403


def test_a_file_shared_with_a_hidden_dag_is_not_shown_to_who_may_read_the_other(world):
    user = restricted("d3aonly", "d3a", also=ALSO)
    token = Api(_admin()).get("/dags/d3a").json()["file_token"]
    assert Api(user).get(f"/dagSources/{token}").status_code == 403
    errors = Api(user).get("/importErrors").json()
    assert errors["total_entries"] == 1
    assert "shared d3 trace" not in str(errors)


def test_another_dag_s_row_of_a_flat_list_is_refused_by_its_number(world, d1only):
    from orchestration.models import DagImportError, EventLog

    error = DagImportError.objects.get(filename="/dags/d2.py").pk
    row = EventLog.objects.filter(dag_id="d2").first().pk
    for path in (f"/importErrors/{error}", f"/eventLogs/{row}"):
        answer = d1only.get(path)
        assert answer.status_code in {403, 404}
        world.assert_untold(answer.content)


def test_pausing_many_reaches_the_granted_dag_only(world, d1only):
    from orchestration.models import Dag

    for pattern in ("~", "d", "%"):
        d1only.patch("/dags", {"is_paused": True}, dag_id_pattern=pattern)
    assert set(Dag.objects.filter(is_paused=True).values_list("dag_id", flat=True)) == {"d1"}


def test_no_other_operation_gives_the_value_of_an_xcom(world):
    user = restricted("noxcoms", also={pair for pair in ALSO if pair.resource != "XComs"})
    user.groups.get().permissions.filter(codename="can_read:XComs").delete()
    api = Api(user)
    for operation in SERVED.values():
        if operation.method == "GET" and not operation.rule.is_open:
            path = address(operation, dag_id="d1", uri="s3://plain", **PLACES)
            answer = api.get(path)
            if "xcomEntries" in path:
                assert answer.status_code == 403


def test_a_log_needs_the_permission_for_logs(world):
    user = restricted("nologs", also={pair for pair in ALSO if pair.resource != "Task Logs"})
    user.groups.get().permissions.filter(codename="can_read:Task Logs").delete()
    assert Api(user).get(f"/dags/d1/dagRuns/{RUN}/taskInstances/{TASK}/logs/1").status_code == 403


def _admin():
    from tests.people import person

    return person("Admin")
