"""Who may log in to the desk by its form."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.people import PASSWORD, person, role

pytestmark = pytest.mark.django_db


def _log_in(user, password: str = PASSWORD) -> bool:
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": user.username, "password": password})
    assert (answer.status_code == 302) == ("session" in client.cookies)
    return answer.status_code == 302


@pytest.mark.parametrize("name", ["Viewer", "User", "Op", "Admin"])
def test_each_role_that_may_see_the_website_logs_in_without_being_staff(name: str) -> None:
    user = person(name, is_staff=False)
    assert _log_in(user)
    assert not _log_in(user, "wrong")


@pytest.mark.parametrize("name", ["Public", "visitors"])
def test_others_are_refused(name: str) -> None:
    role("visitors")
    assert not _log_in(person(name, is_staff=False))


def test_who_was_deactivated_is_refused() -> None:
    assert not _log_in(person("Admin", is_active=False))
