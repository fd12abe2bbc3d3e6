"""A table has one name: in the sidebar, at the head of its list, and on the way back from its form."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from orchestration.admin.tables import paging
from orchestration.models import Pool
from tests.factories import PoolFactory, make_dag, make_run
from tests.people import role

pytestmark = pytest.mark.django_db

TABLES = {
    "auth_group": "Roles",
    "orchestration_eventlog": "Audit log",
    "orchestration_personalaccesstoken": "Tokens",
    "orchestration_notificationchannel": "Channels",
    "orchestration_taskreschedule": "Reschedules",
    "orchestration_dagtag": "DAG tags",
}


def heading(text: str) -> str:
    found = re.search(r"<h1[^>]*>\s*(.*?)\s*</h1>", text, re.S)
    assert found, "no heading"
    return found[1]


@pytest.mark.parametrize(("table", "name"), TABLES.items())
def test_a_list_is_called_as_in_the_sidebar(desk, table, name):
    text = desk.get(reverse(f"admin:{table}_changelist")).content.decode()
    assert heading(text) == name
    assert f"<title>{name} |" in re.sub(r"\s+", " ", text).replace("<title> ", "<title>")


def test_a_form_has_the_way_back_to_its_list_and_the_name_of_its_row(desk):
    PoolFactory(name="small")
    pool = Pool.objects.get(name="small")
    text = desk.get(reverse("admin:orchestration_pool_change", args=(pool.pk,))).content.decode()
    assert heading(text) == "small"
    assert f'<a href="{reverse("admin:orchestration_pool_changelist")}">Pools</a>' in text


def test_a_role_is_nowhere_called_a_group(desk):
    group = role("mine", [])
    for address in (
        reverse("admin:auth_group_changelist"),
        reverse("admin:auth_group_add"),
        reverse("admin:auth_group_delete", args=(group.pk,)),
    ):
        _, page = desk.get(address).content.decode().split('<div id="main"')
        text = re.sub(r"<[^>]+>", " ", page)
        assert not re.search(r"\b[Gg]roups?\b", text), address


def test_the_head_of_a_long_list_counts_no_rows_that_it_did_not_count(desk, monkeypatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 2)
    dag = make_dag("a", dag_id="d1")
    for number in range(3):
        make_run(dag, {"a": "success"}, run_id=f"r{number}")
    text = desk.get(reverse("admin:orchestration_dagrun_changelist")).content.decode()
    assert "More than 2 DAG runs" in re.sub(r"\s+", " ", text)
    assert "2 results" not in text


def test_grants_on_single_dags_are_found_in_the_sidebar(desk):
    address = reverse("admin:orchestration_daggrant_changelist")
    assert f'href="{address}"' in desk.get(reverse("admin:index")).content.decode()
    assert "No grants yet" in desk.get(address).content.decode()


@pytest.mark.parametrize("table", ["variable", "connection", "pool", "automation", "notificationchannel", "user"])
def test_the_fields_of_forms_have_names_that_begin_with_a_capital(desk, table):
    text = desk.get(reverse(f"admin:orchestration_{table}_add")).content.decode()
    found = re.findall(r"<label[^>]*>(.*?)</label>", text, re.S)
    labels = [re.sub(r"<[^>]+>|\s+", " ", each).strip() for each in found]
    named = [label for label in labels if label]
    assert len(named) >= 3
    assert [label for label in named if label[0].islower()] == []
