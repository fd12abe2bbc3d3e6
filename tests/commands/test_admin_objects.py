"""Pools, variables, connections, users and roles: what the commands do, print and refuse."""

from __future__ import annotations

import json

import pytest
import yaml

from orchestration.access import roles
from orchestration.models import Connection, EventLog, Pool, User, Variable
from orchestration.services import pools
from tests.factories import ConnectionFactory, PoolFactory, UserFactory, VariableFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_installation(db):
    roles.ensure_built_in()
    pools.ensure_default()


# pools


def test_pools_are_listed_in_the_references_json(run):
    done = run("pools", "list", "-o", "json")
    assert done.out == (
        '[{"pool": "default_pool", "slots": "128", "description": "Default pool", "include_deferred": "False"}]\n'
    )


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            "table",
            "pool         | slots | description  | include_deferred\n"
            "=============+=======+==============+=================\n"
            "default_pool | 128   | Default pool | False           \n",
        ),
        (
            "plain",
            "pool            slots  description    include_deferred\ndefault_pool      128  Default pool   False\n",
        ),
        (
            "yaml",
            "- description: Default pool\n  include_deferred: 'False'\n  pool: default_pool\n  slots: '128'\n",
        ),
    ],
)
def test_rows_are_printed_in_the_references_forms(run, output, text):
    assert run("pools", "list", "-o", output).out.startswith(text)


def test_a_pool_is_made_changed_shown_and_deleted(run):
    assert run("pools", "set", "p", "5", "d", "--include-deferred").out == "Set the pool p\n"
    assert run("pools", "set", "p", "6", "e").status == 0
    assert json.loads(run("pools", "get", "p", "-o", "json").out) == [
        {"pool": "p", "slots": "6", "description": "e", "include_deferred": "False"}
    ]
    assert run("pools", "delete", "p").out == "Deleted the pool p\n"
    assert not Pool.objects.filter(name="p").exists()


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_a_pool_that_is_not_there_is_a_1(run, verb):
    done = run("pools", verb, "nope")
    assert (done.status, done.err) == (1, "There is no pool 'nope'. `airflowsite pools list` shows all.\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [(["p", "many", "d"], 2), (["p", "-5", "d"], 1), ([" ", "1", "d"], 1), (["x" * 257, "1", ""], 1)],
)
def test_what_cannot_be_a_pool_is_refused(run, words, status):
    assert run("pools", "set", "--", *words).status == status
    assert Pool.objects.count() == 1


def test_the_default_pool_is_not_deleted(run):
    assert run("pools", "delete", "default_pool").status == 1


def test_pools_go_to_a_file_and_back(run, tmp_path):
    PoolFactory(name="a", slots=3, description="x", include_deferred=True)
    file = tmp_path / "pools.json"
    assert run("pools", "export", str(file)).out == f"Exported 2 pools to {file}.\n"
    Pool.objects.filter(name="a").delete()
    assert run("pools", "import", str(file)).out == "Imported 2 pools\n"
    pool = Pool.objects.get(name="a")
    assert (pool.slots, pool.description, pool.include_deferred) == (3, "x", True)


def test_a_files_bad_pools_are_named_and_the_good_ones_made(run, tmp_path):
    file = tmp_path / "pools.json"
    file.write_text('{"good": {"slots": 1, "description": ""}, "bad": {"slots": 1}, "worse": 5}')
    done = run("pools", "import", str(file))
    assert (done.status, done.err) == (
        1,
        "These are no pools and were left out: bad, worse. Each needs slots and a description.\n",
    )
    assert Pool.objects.filter(name="good").exists()


@pytest.mark.parametrize("text", [None, "{bad", "[]"])
def test_a_file_that_holds_no_pools_is_refused(run, tmp_path, text):
    file = tmp_path / "pools.json"
    if text is not None:
        file.write_text(text)
    assert run("pools", "import", str(file)).status == 1


# variables


def test_a_variable_is_set_shown_and_deleted(run):
    assert run("variables", "set", "k", "v", "--description", "d").out == "Set the variable k\n"
    assert run("variables", "get", "k").out == "v\n"
    assert run("variables", "list", "-o", "json").out == '[{"key": "k"}]\n'
    assert Variable.objects.get().description == "d"
    assert run("variables", "delete", "k").out == "Deleted the variable k\n"
    done = run("variables", "get", "k")
    assert (done.status, done.err) == (1, "There is no variable 'k'. `airflowsite variables list` shows all.\n")


def test_a_variable_may_come_from_standard_input_and_the_environment(run, monkeypatch):
    run("variables", "set", "k", "-", text="secret\n")
    assert Variable.objects.get().val == "secret"
    monkeypatch.setenv("AIRFLOW_VAR_K", "nearer")
    assert run("variables", "get", "k").out == "nearer\n"


def test_a_variable_as_json(run):
    run("variables", "set", "k", '{"a": [1, "é"]}')
    assert run("variables", "get", "k", "-j").out == "{'a': [1, 'é']}\n"
    run("variables", "set", "j", "text", "--json")
    assert Variable.objects.get(key="j").val == '"text"'
    assert run("variables", "get", "nope", "-d", "else").out == "else\n"
    VariableFactory(key="x", val="no json")
    assert run("variables", "get", "x", "-j").status == 1


def test_variables_go_to_a_file_and_back(run, tmp_path):
    VariableFactory(key="text", val="v")
    VariableFactory(key="json", val='{"a": 1}')
    file = tmp_path / "v.json"
    assert run("variables", "export", str(file)).out == f"Exported 2 variables to {file}.\n"
    assert json.loads(file.read_text()) == {"json": {"a": 1}, "text": "v"}
    Variable.objects.all().delete()
    assert run("variables", "import", str(file)).out == "Set 2 of 2 variables.\n"
    assert json.loads(Variable.objects.get(key="json").val) == {"a": 1}
    assert Variable.objects.get(key="text").val == "v"


def test_variables_to_standard_output(run):
    VariableFactory(key="k", val="v")
    done = run("variables", "export", "-")
    assert done.out == '{\n    "k": "v"\n}'
    assert done.err == "\nExported 1 variables.\n"


@pytest.mark.parametrize(
    ("action", "status", "value"), [("overwrite", 0, "new"), ("skip", 0, "old"), ("fail", 1, "old")]
)
def test_what_happens_to_keys_that_exist(run, tmp_path, action, status, value):
    VariableFactory(key="k", val="old")
    file = tmp_path / "v.json"
    file.write_text('{"k": "new", "other": 1}')
    done = run("variables", "import", str(file), "-a", action)
    assert (done.status, Variable.objects.get(key="k").val) == (status, value)
    assert Variable.objects.filter(key="other").exists() == (action != "fail")


# connections


def test_a_connection_is_added_from_a_uri(run):
    done = run("connections", "add", "c", "--conn-uri", "postgres://me:S3CRET@h:5432/db?a=b")
    assert done.out == "Added the connection c: postgres://me:******@h:5432/db\n"
    found = Connection.objects.get()
    assert (found.conn_type, found.login, found.password, found.host) == ("postgres", "me", "S3CRET", "h")
    assert (found.port, found.schema, json.loads(found.extra)) == (5432, "db", {"a": "b"})


def test_a_connection_is_added_from_json_and_from_parts(run):
    run("connections", "add", "j", "--conn-json", '{"conn_type": "http", "host": "h", "extra": {"k": 1}}')
    words = [
        "--conn-type",
        "http",
        "--conn-host",
        "h",
        "--conn-login",
        "l",
        "--conn-port",
        "80",
        "--conn-schema",
        "s",
        "--conn-description",
        "d",
    ]
    run("connections", "add", "p", *words, "--conn-password", "-", "--conn-extra", '{"k": 1}', text="S3CRET\n")
    one, two = Connection.objects.order_by("conn_id")
    assert json.loads(one.extra) == json.loads(two.extra) == {"k": 1}
    assert (two.password, two.port, two.description) == ("S3CRET", 80, "d")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--conn-uri", "no scheme"],
        ["--conn-uri", "http://h", "--conn-json", "{}"],
        ["--conn-uri", "http://h", "--conn-host", "other"],
        ["--conn-json", "{bad"],
        ["--conn-json", '{"host": "h"}'],
        ["--conn-json", '{"conn_type": "http"}', "--conn-extra", "{}"],
        ["--conn-type", "http", "--conn-port", "many"],
    ],
)
def test_what_is_no_connection_is_refused(run, words):
    assert run("connections", "add", "c", *words).status == 1
    assert not Connection.objects.exists()


def test_an_id_is_taken_once_and_must_be_plain(run):
    ConnectionFactory(conn_id="c")
    done = run("connections", "add", "c", "--conn-type", "http")
    assert (done.status, done.err) == (1, "'c' is taken. Delete that connection first, or choose another id.\n")
    assert run("connections", "add", "a b/c", "--conn-type", "http").status == 1


def test_connections_are_shown_with_all_their_parts(run, monkeypatch):
    ConnectionFactory(conn_id="c", conn_type="http", host="h", password="password", extra='{"k": "1"}')
    (row,) = yaml.safe_load(run("connections", "get", "c", "-o", "yaml").out)
    assert row["get_uri"] == "http://:password@h/?k=1"
    assert row["extra_dejson"] == {"k": "1"}
    assert json.loads(run("connections", "list", "--conn-id", "nope", "-o", "json").out) == []
    monkeypatch.setenv("AIRFLOW_CONN_E", "http://near")
    assert json.loads(run("connections", "get", "e", "-o", "json").out)[0]["host"] == "near"
    assert run("connections", "get", "nope").err == "Connection not found. `airflowsite connections list` shows all.\n"


def test_a_connection_is_deleted(run):
    ConnectionFactory(conn_id="c")
    assert run("connections", "delete", "c").out == "Deleted the connection c\n"
    assert run("connections", "delete", "c").status == 1


@pytest.mark.parametrize("suffix", ["json", "yaml", "env"])
def test_connections_go_to_a_file_and_back(run, tmp_path, suffix):
    ConnectionFactory(
        conn_id="a", conn_type="http", host="h", login="l", password="pass/%word", port=80, extra='{"k": "v"}'
    )
    ConnectionFactory(conn_id="b", conn_type="postgres", host="g", schema="s")
    before = {
        c.conn_id: (c.conn_type, c.host, c.login, c.password, c.port, c.schema or "") for c in Connection.objects.all()
    }
    file = tmp_path / f"c.{suffix}"
    assert run("connections", "export", str(file)).status == 0
    Connection.objects.all().delete()
    done = run("connections", "import", str(file))
    assert done.out == "Imported a\nImported b\n"
    after = {
        c.conn_id: (c.conn_type, c.host, c.login, c.password, c.port, c.schema or "") for c in Connection.objects.all()
    }
    assert after == before
    assert json.loads(Connection.objects.get(conn_id="a").extra) == {"k": "v"}


def test_a_connection_that_is_there_stays_unless_told(run, tmp_path):
    ConnectionFactory(conn_id="a", host="old")
    file = tmp_path / "c.json"
    file.write_text('{"a": {"conn_type": "http", "host": "new"}}')
    done = run("connections", "import", str(file))
    assert done.out == "a was not imported: it is there already. Use --overwrite to replace it.\n"
    assert Connection.objects.get().host == "old"
    run("connections", "import", str(file), "--overwrite")
    assert Connection.objects.get().host == "new"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["c.txt"], 1),
        (["-", "--file-format", "env", "--serialization-format", "json"], 0),
        (["-", "--serialization-format", "json"], 1),
        (["-", "--format", "json", "--file-format", "json"], 1),
        (["-"], 0),
    ],
)
def test_the_form_of_an_export(run, words, status):
    ConnectionFactory(conn_id="a")
    assert run("connections", "export", *words).status == status


def test_default_connections_are_made_once(run):
    assert run("connections", "create-default-connections").out.startswith("4 default connections were added")
    assert run("connections", "create-default-connections").out.startswith("0 default connections were added")


def test_connection_tests_are_off_by_default(run):
    ConnectionFactory(conn_id="c")
    done = run("connections", "test", "c")
    assert (done.status, "may not be tried" in done.err) == (1, True)


# users

PERSON = ["-u", "ann", "-e", "ann@example.com", "-f", "Ann", "-l", "Other", "-r", "Op"]


def test_a_user_is_made_with_a_password_from_the_command_the_input_or_the_environment(run, monkeypatch):
    assert run("users", "create", *PERSON, "-p", "given").out == "Made the user ann with the role Op\n"
    assert User.objects.get().check_password("given")
    User.objects.all().delete()
    run("users", "create", *PERSON, "-p", "-", text="typed\n")
    assert User.objects.get().check_password("typed")
    User.objects.all().delete()
    monkeypatch.setenv("AIRFLOWSITE_PASSWORD", "of the environment")
    run("users", "create", *PERSON)
    assert User.objects.get().check_password("of the environment")


def test_without_a_password_and_a_terminal_nobody_is_made(run):
    done = run("users", "create", *PERSON)
    assert (done.status, "--password -" in done.err) == (1, True)
    assert not User.objects.exists()


def test_a_random_password_lets_nobody_in(run):
    run("users", "create", *PERSON, "--use-random-password")
    user = User.objects.get()
    assert user.has_usable_password()
    assert [role.name for role in user.groups.all()] == ["Op"]


def test_a_user_that_exists_is_no_error_and_an_unknown_role_is(run):
    UserFactory(username="ann", email="x@example.com")
    assert run("users", "create", *PERSON, "-p", "x").out == "There is a user ann already; nothing was changed\n"
    done = run("users", "create", *PERSON[:-1], "Nope", "-p", "x")
    assert (done.status, done.err) == (
        1,
        "There is no role 'Nope'. There are: Admin, Op, Public, User, Viewer\n",
    )


def test_users_are_listed_with_their_roles(run):
    run("users", "create", *PERSON, "-p", "x")
    user = User.objects.get()
    assert json.loads(run("users", "list", "-o", "json").out) == [
        {
            "id": str(user.pk),
            "username": "ann",
            "email": "ann@example.com",
            "first_name": "Ann",
            "last_name": "Other",
            "roles": ["Op"],
        }
    ]


def test_roles_are_given_and_taken(run):
    run("users", "create", *PERSON, "-p", "x")
    assert run("users", "add-role", "-u", "ann", "-r", "Viewer").out == "ann now has the role Viewer\n"
    assert run("users", "add-role", "-u", "ann", "-r", "Viewer").status == 1
    done = run("users", "remove-role", "-e", "ann@example.com", "-r", "Op")
    assert done.out == "ann no longer has the role Op\n"
    assert [role.name for role in User.objects.get().groups.all()] == ["Viewer"]
    assert run("users", "remove-role", "-u", "ann", "-r", "Op").status == 1


@pytest.mark.parametrize("words", [[], ["-u", "ann", "-e", "ann@example.com"], ["-u", "nope"], ["-e", "nope"]])
def test_a_user_is_named_by_exactly_one_thing(run, words):
    run("users", "create", *PERSON, "-p", "x")
    assert run("users", "delete", *words).status == 1
    assert User.objects.exists()


def test_a_password_is_reset_and_a_user_deleted(run):
    run("users", "create", *PERSON, "-p", "x")
    assert run("users", "reset-password", "-u", "ann", "-p", "new").status == 0
    assert User.objects.get().check_password("new")
    assert run("users", "delete", "-u", "ann", "--dry-run").out == "Would delete the user ann\n"
    assert User.objects.exists()
    assert run("users", "delete", "-u", "ann").out == "Deleted the user ann\n"
    assert not User.objects.exists()


def test_users_go_to_a_file_and_back(run, tmp_path):
    run("users", "create", *PERSON, "-p", "x")
    file = tmp_path / "users.json"
    assert run("users", "export", str(file)).out == f"Exported 1 users to {file}.\n"
    (entry,) = json.loads(file.read_text())
    assert set(entry) == {"id", "username", "email", "firstname", "lastname", "roles"}
    User.objects.all().delete()
    assert run("users", "import", str(file)).out == "Made 1 users:\n\tann@example.com\n"
    assert not User.objects.get().check_password("x")
    file.write_text(json.dumps([{**entry, "lastname": "New", "roles": ["Viewer"]}]))
    assert run("users", "import", str(file)).out == "Changed 1 users:\n\tann@example.com\n"
    user = User.objects.get()
    assert (user.last_name, [role.name for role in user.groups.all()]) == ("New", ["Viewer"])


@pytest.mark.parametrize(
    "entry",
    [
        5,
        {},
        {"username": "a", "email": "a@x.org", "firstname": "A", "lastname": "B", "roles": []},
        {"username": "a", "email": "a@x.org", "firstname": "A", "lastname": "B", "roles": ["Nope"]},
    ],
)
def test_a_bad_users_file_makes_nobody(run, tmp_path, entry):
    good = {"username": "g", "email": "g@x.org", "firstname": "G", "lastname": "B", "roles": ["Op"]}
    file = tmp_path / "users.json"
    file.write_text(json.dumps([good, entry]))
    assert run("users", "import", str(file)).status == 1
    assert not User.objects.exists()


# roles


def test_a_role_gets_and_loses_permissions(run):
    assert run("roles", "create", "Mine", "Yours").out == "Roles: 2 are there now\n"
    done = run("roles", "add-perms", "Mine", "-a", "can_read", "can_edit", "-r", "Pools", "Variables")
    assert done.out.endswith("Permissions given: 4\n")
    done = run("roles", "del-perms", "Mine", "-a", "can_edit", "-r", "Pools")
    assert done.out == "Mine no longer can_edit Pools\nPermissions taken: 1\n"
    rows = json.loads(run("roles", "list", "-p", "-o", "json").out)
    assert [row for row in rows if row["name"] == "Mine"] == [
        {"name": "Mine", "resource": "Pools", "action": "can_read"},
        {"name": "Mine", "resource": "Variables", "action": "can_edit,can_read"},
    ]
    assert run("roles", "del-perms", "Mine", "-r", "Variables").out.endswith("Permissions taken: 2\n")
    assert run("roles", "delete", "Mine", "Yours").out == "Deleted the role Mine\nDeleted the role Yours\n"


@pytest.mark.parametrize(
    "words",
    [
        ["add-perms", "Nope", "-a", "can_read", "-r", "Pools"],
        ["add-perms", "Op", "-a", "can_fly", "-r", "Pools"],
        ["add-perms", "Op", "-a", "can_read", "-r", "Moons"],
        ["delete", "Nope"],
        ["delete", "Admin"],
    ],
)
def test_unknown_roles_actions_and_resources_are_refused(run, words):
    assert run("roles", *words).status == 1


def test_roles_go_to_a_file_and_back(run, tmp_path):
    run("roles", "create", "Mine", "Empty")
    run("roles", "add-perms", "Mine", "-a", "can_read", "-r", "Pools")
    file = tmp_path / "roles.json"
    assert "Exported 2 roles" in run("roles", "export", str(file), "-p").out
    assert json.loads(file.read_text()) == [
        {"name": "Mine", "resource": "Pools", "action": "can_read"},
        {"name": "Empty", "resource": "", "action": ""},
    ]
    run("roles", "delete", "Mine", "Empty")
    assert run("roles", "import", str(file)).out == "Imported 2 roles\n"
    rows = json.loads(run("roles", "list", "-p", "-o", "json").out)
    assert {"name": "Mine", "resource": "Pools", "action": "can_read"} in rows
    assert {"name": "Empty"} in json.loads(run("roles", "list", "-o", "json").out)


# the audit log

CHANGES = [
    (["pools", "set", "p", "1", "d"], "cli_pool_set"),
    (["pools", "delete", "default_pool"], "cli_pool_delete"),
    (["variables", "set", "api_key", "S3CRET"], "cli_variables_set"),
    (["variables", "delete", "k"], "cli_variables_delete"),
    (["connections", "add", "c", "--conn-type", "http", "--conn-password", "S3CRET"], "cli_connections_add"),
    (["connections", "add", "c", "--conn-uri=http://a:S3CRET@h"], "cli_connections_add"),
    (["users", "create", *PERSON, "-p", "S3CRET"], "cli_users_create"),
    (["users", "create", *PERSON, "--password=S3CRET"], "cli_users_create"),
    (["roles", "create", "Mine"], "cli_roles_create"),
]


@pytest.mark.parametrize(
    ("words", "event"), CHANGES, ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value
)
def test_a_change_leaves_one_row_without_secrets(run, words, event):
    import getpass

    run(*words)
    entry = EventLog.objects.get()
    assert (entry.event, entry.owner) == (event, getpass.getuser())
    assert words[0] in entry.extra
    assert "S3CRET" not in entry.extra


@pytest.mark.parametrize(
    "words", [["pools", "list"], ["variables", "list"], ["users", "list"], ["roles", "list"], ["connections", "list"]]
)
def test_reading_leaves_none(run, words):
    assert run(*words).status == 0
    assert not EventLog.objects.exists()
