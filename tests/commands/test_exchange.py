"""Files that Airflow 2.10.5 exported are imported here, and exported again byte for byte as it writes them.

``exported_by_airflow`` holds what its commands wrote about objects of our own. That it imports our files to the same
end follows from the second half: they are its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.access import roles
from orchestration.models import Connection, Pool, User, Variable
from orchestration.services import pools
from tests.commands.conftest import Done

pytestmark = pytest.mark.django_db
Run = Callable[..., Done]

FILES = Path(__file__).with_name("exported_by_airflow")


@pytest.fixture(autouse=True)
def fresh_installation(db: None) -> None:
    roles.ensure_built_in()
    pools.ensure_default()


@pytest.mark.parametrize(
    ("group", "name", "words"),
    [
        ("variables", "variables.json", []),
        ("pools", "pools.json", []),
        ("roles", "roles.json", []),
        ("connections", "connections.json", []),
        ("connections", "connections.yaml", []),
        ("connections", "connections.env", []),
        ("connections", "connections_json.env", ["--file-format", "env", "--serialization-format", "json"]),
    ],
)
def test_a_file_of_airflows_goes_in_and_comes_out_the_same(
    run: Run, tmp_path: Path, group: str, name: str, words: list[str]
) -> None:
    done = run(group, "import", str(FILES / name))
    assert done.status == 0, done.err
    written = tmp_path / name

    assert run(group, "export", str(written), *words).status == 0

    assert written.read_text() == (FILES / name).read_text()


def test_users_come_with_names_and_roles_and_go_out_in_the_same_form(run: Run, tmp_path: Path) -> None:
    run("roles", "import", str(FILES / "roles.json"))
    done = run("users", "import", str(FILES / "users.json"))
    assert done.status == 0, done.err
    written = tmp_path / "users.json"

    assert run("users", "export", str(written)).status == 0

    ours, theirs = json.loads(written.read_text()), json.loads((FILES / "users.json").read_text())
    assert [list(user) for user in ours] == [list(user) for user in theirs]
    for user in (*ours, *theirs):
        user["roles"].sort()  # by the keys of the roles, which follow from when each was made
        assert isinstance(user.pop("id"), int)
    assert ours == theirs
    assert written.read_text().startswith(
        '[\n    {\n        "email": "ada@example.org",\n        "firstname": "Ada",\n'
    )
    assert User.objects.get(username="jürgen").has_usable_password() is False


def test_what_the_files_say_arrives(run: Run) -> None:
    for group in ("variables", "pools", "connections"):
        assert run(group, "import", str(FILES / f"{group}.json")).status == 0

    assert Variable.objects.get(key="umlaut").val == "Grüße 東京 🚀"
    assert Variable.objects.get(key="zero").val == "007"
    assert json.loads(Variable.objects.get(key="json").val or "") == {"a": [1, 2.5, None, True], "ü": "Zürich"}
    found = Connection.objects.get(conn_id="pg")
    assert (found.conn_type, found.login, found.password, found.schema) == ("postgres", "us@er", "p:w/d", "sche/ma")
    assert json.loads(found.extra or "") == {"sslmode": "require", "k": "v&w"}
    assert Pool.objects.get(name="deferring").include_deferred is True
    assert Pool.objects.get(name="endless").slots == -1
