"""How many runs DAGs have in each state."""

from __future__ import annotations

from orchestration.models import User
from tests.api_v1.conftest import Api
from tests.factories import make_dag, make_run


def stats(answer) -> dict[str, dict[str, int]]:
    assert answer.status == 200, answer
    assert answer.json["total_entries"] == len(answer.json["dags"])
    return {row["dag_id"]: {each["state"]: each["count"] for each in row["stats"]} for row in answer.json["dags"]}


def test_runs_are_counted_by_state_with_zeros(api: Api) -> None:
    first = make_dag("a", dag_id="d1")
    make_dag("a", dag_id="d2")
    for state in ("success", "success", "failed", "queued"):
        make_run(first, state=state)
    assert stats(api.get("/dagStats", dag_ids="d1,d2,nowhere,d1")) == {
        "d1": {"queued": 1, "running": 0, "success": 2, "failed": 1},
        "d2": {"queued": 0, "running": 0, "success": 0, "failed": 0},
    }
    states = [each["state"] for each in api.get("/dagStats", dag_ids="d2").json["dags"][0]["stats"]]
    assert states == ["queued", "running", "success", "failed"]


def test_the_dags_have_to_be_named(api: Api) -> None:
    assert api.get("/dagStats").status == 400
    assert stats(api.get("/dagStats", dag_ids="")) == {}


def test_dags_that_may_not_be_read_are_passed_by(api: Api, d1only: User) -> None:
    for name in ("d1", "d2"):
        make_run(make_dag("a", dag_id=name))
    assert set(stats(api.get("/dagStats", dag_ids="d1,d2", user="d1only"))) == {"d1"}


def test_counting_costs_the_same_for_many(api: Api, django_assert_max_num_queries) -> None:
    names = [make_run(make_dag("a")).dag_id for _ in range(8)]
    api.get("/dags")
    with django_assert_max_num_queries(4):
        assert len(stats(api.get("/dagStats", dag_ids=",".join(names)))) == 8
