"""Django's questions are answered by the same permissions."""

from __future__ import annotations

import pytest
from django.apps import apps

from orchestration.access.backends import RESOURCES, pair_of
from tests.factories import DagFactory, DagRunFactory, TaskInstanceFactory
from tests.people import person, restricted

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("permission", "pair"),
    [
        ("orchestration.view_pool", ("can_read", "Pools")),
        ("orchestration.add_pool", ("can_create", "Pools")),
        ("orchestration.change_dagrun", ("can_edit", "DAG Runs")),
        ("orchestration.delete_user", ("can_delete", "Users")),
        ("auth.view_group", ("can_read", "Roles")),
        ("orchestration.view_eventlog", ("can_read", "Audit Logs")),
        ("axes.view_accessattempt", None),
        ("orchestration.fly_pool", None),
        ("nonsense", None),
    ],
)
def test_a_django_permission_stands_for_a_pair(permission, pair):
    assert pair_of(permission) == pair


def test_every_model_stands_for_a_resource():
    ours = {model._meta.label_lower for model in apps.get_app_config("orchestration").get_models()}
    assert ours - {"orchestration.resource", "orchestration.idempotencyrecord"} <= set(RESOURCES)


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        ("Viewer", "orchestration.view_pool", True),
        ("Viewer", "orchestration.change_pool", False),
        ("Viewer", "orchestration.view_variable", False),
        ("Op", "orchestration.change_pool", True),
        ("Op", "orchestration.view_user", False),
        ("Op", "axes.view_accessattempt", False),
        ("Admin", "orchestration.view_eventlog", True),
        ("Admin", "orchestration.change_eventlog", False),
        ("Public", "orchestration.view_dag", False),
    ],
)
def test_roles_decide(role, permission, expected):
    assert person(role).has_perm(permission) is expected


def test_grants_on_one_dag_decide_for_its_objects():
    user = restricted()
    d1, d2 = DagFactory(dag_id="d1"), DagFactory(dag_id="d2")
    assert user.has_perm("orchestration.view_dag")  # the list, which is filtered
    assert user.has_perm("orchestration.change_dag", d1)
    assert not user.has_perm("orchestration.delete_dag", d1)
    assert not user.has_perm("orchestration.view_dag", d2)


def test_runs_and_task_instances_belong_to_their_dag():
    user = person("User")
    run = DagRunFactory()
    assert user.has_perm("orchestration.change_dagrun", run)
    assert user.has_perm("orchestration.view_taskinstance", TaskInstanceFactory(run=run))


def test_an_app_is_shown_to_those_who_may_read_something_of_it():
    assert person("Viewer").has_module_perms("orchestration")
    assert not person("Public").has_module_perms("orchestration")
    assert not person("Op").has_module_perms("auth")
    assert person("Admin").has_module_perms("auth")


def test_an_inactive_user_has_no_permission():
    assert not person("Admin", is_active=False).has_perm("orchestration.view_pool")
