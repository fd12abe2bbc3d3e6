"""Our OpenAPI document against that of Airflow 2.10.5's stable API, fact by fact; what differs stands here.

The facts of the reference are in ``stable_api_2_10_5.json``; ``facts`` tells their form and how they are compared.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api_v1.document import document
from tests.contract.facts import Comparison, facts

REFERENCE = json.loads((Path(__file__).parent / "stable_api_2_10_5.json").read_text())

#: Operations that the reference does not have → why they are here.
MORE_OPERATIONS = {
    **dict.fromkeys(("put_connection", "put_pool", "put_variable"), "the short description of the API has PUT"),
    **dict.fromkeys(("clear_task_instance", "run_task_instance"), "the short description of the API has these verbs"),
    **dict.fromkeys(("get_token", "get_tokens", "post_token", "delete_token"), "personal access tokens"),
    **dict.fromkeys(
        ("get_backfill", "get_backfills", "post_backfill", "cancel_backfill", "pause_backfill", "unpause_backfill"),
        "backfills, which the reference makes from its commands only",
    ),
    "wait_for_dag_run": "waiting for a run's end in one request",
}

#: Why something differs → what, as regular expressions for whole lines.
DIFFERENCES = {
    "the reference does so, too, and does not tell": (
        r"\S+ 40[0346] \S+: more",
        r"test_connection 403 text/html: more",
        r"get_variables 200 \S+ variables\[\]\.value: more",
        r"\S+_dataset_events? 200 \S+ (\w+\[\]\.)?id: more",
        r"\S+_dataset_events? 200 \S+ (\w+\[\]\.)?created_dagruns\[\]\.dag_run_id: more",
        r"get_datasets? 200 \S+ (datasets\[\]\.)?aliases: more",
        r"\S+_users? 200 \S+ (users\[\]\.)?fail_login_count: more",
        r"get_tasks? 200 \S+ (tasks\[\]\.)?(operator_name|params): more",
        r"get_tasks 200 \S+ total_entries: more",
        r"set_(mapped_)?task_instance_note body map_index: more",
        r"get_dag_runs_batch body updated_at_[gl]te: more",
        r"post_clear_task_instances body \w+: boolean default=false, was boolean",
    ),
    "the reference refuses a body without it, and does not tell": tuple(
        rf"{member}: (?P<kind>.*) required(?P<values>.*), was (?P=kind)(?P=values)"
        for member in (
            r"(post|test)_connection body conn_type",
            r"(patch_variable|post_variables) body key",
            r"(patch|post)_role body name",
            r"patch_(mapped_)?task_instance body new_state",
            r"post_set_task_instances_state body (new_state|task_id|include_\w+)",
            r"set_dag_run_note body note",
            r"update_dag_run_state body state",
        )
    ),
    "the reference's answers are not as its document tells, and ours are as its answers": (
        r"clear_dag_run 200 \S+ (total_entries|task_instances\[\]\.\w+): missing",
        r"get_(dag_)?dataset_queued_events 200 \S+ (datasets: missing|queued_events: more)",
        r"get_(mapped_)?task_instance_tries 200 \S+ (task_instances_history: missing|task_instances: more)",
        r"get_dag_details 200 \S+ (template_search_path: missing|template_searchpath: more)",
        r"get_extra_links 200 \S+ extra_links: missing",
        r"get_tasks? 200 \S+ (tasks\[\]\.)?extra_links\[\]\.(class_ref: missing|(class_name|module_path): more)",
        r"get_tasks? 200 \S+ (tasks\[\]\.)?sub_dag: missing",
        r"\S+ \S+ application/problem\+json instance: missing",
        r"\S+ \S+ application/problem\+json title: string null required, was string required",
        r"\S+ \S+ application/problem\+json detail: string null required, was string",
        r"\S+_users? 200 \S+ roles\[\]: object, was object null",
        r"get_users 200 \S+ users\[\]\.roles\[\]: object, was object null",
        # without an offset, which the format asks for
        r"\S+_users? 200 \S+ (users\[\]\.)?(last_login|\w+ed_on): string null, was string format=date-time null",
        # a part of the date that is not set
        r"\S+ 200 \S+ (dags\[\]\.)?schedule_interval\.\w+: integer null required, was integer required",
        # a strategy of one's own is named by its class
        r"get_tasks? 200 \S+ (tasks\[\]\.)?weight_rule: string, was string =absolute,downstream,upstream",
    ),
    "of a DAG that waits for one dataset it is the URI; the reference fails": (
        r"get_dag_details 200 \S+ dataset_expression: object string null, was object null",
    ),
    "the short description of the API has these names": (
        r"\S+ (200 \S+|body) (\w+\[\]\.)?(pool_id|conn_id|val|run_id|is_active|is_admin): more",
        r"get_tasks? 200 \S+ (tasks\[\]\.)?(dag_id|task_type): more",
    ),
    "optional headers of requests, and what is answered to who sends them": (
        r"\S+ header (Idempotency-Key|If-Match|If-None-Match): string, was missing",
        r"\S+ 304: more",
        r"\S+ 4(09|12|22) \S+: more",
    ),
    "a body that is too large or no JSON, a caller who is locked out, a database that is busy": (
        r"\S+ (413|415|429|503) \S+: more",
    ),
}
RULES = [rule for rules in DIFFERENCES.values() for rule in rules]


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return facts(document())


def test_the_reference_s_operations_are_all_there_and_others_stand_here(ours: dict[str, Any]) -> None:
    assert len(REFERENCE["operations"]) == 89
    assert set(ours["operations"]) == set(REFERENCE["operations"]) | set(MORE_OPERATIONS)


@pytest.mark.parametrize("name", sorted(REFERENCE["operations"]))
def test_an_operation_is_as_in_the_reference(ours: dict[str, Any], name: str) -> None:
    found = Comparison(REFERENCE, ours).of_operation(name)
    assert [line for line in found if not any(re.fullmatch(rule, line) for rule in RULES)] == []


def test_every_difference_listed_is_one(ours: dict[str, Any]) -> None:
    comparison = Comparison(REFERENCE, ours)
    found = [line for name in REFERENCE["operations"] for line in comparison.of_operation(name)]
    assert [rule for rule in RULES if not any(re.fullmatch(rule, line) for line in found)] == []
