from __future__ import annotations

import pytest

from orchestration.authoring.hooks.filesystem import FSHook, find_file
from orchestration.authoring.hooks.package_index import PackageIndexHook
from orchestration.authoring.hooks.subprocess import SubprocessHook
from orchestration.authoring.operators.file_transfer import FileTransferOperator
from tests.authoring.operators.support import connection_value, execute, make_dag


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"host": "https://a.b/simple"}, "https://a.b/simple"),
        ({"host": "https://a.b/simple", "login": "u"}, "https://u@a.b/simple"),
        ({"host": "https://x:y@a.b/s", "login": "u/", "password": "p@"}, "https://u%2F:p%40@a.b/s"),
    ],
)
def test_an_index_address_holds_the_credentials(memory, parts, expected):
    memory.connections["pi"] = connection_value("pi", "package_index", **parts)
    assert PackageIndexHook("pi").get_conn() == expected


def test_an_index_needs_an_address(memory):
    memory.connections["pi"] = connection_value("pi", "package_index")
    with pytest.raises(ValueError, match="index URL"):
        PackageIndexHook("pi").get_conn()


def test_a_folder_can_be_tested(memory, tmp_path):
    memory.connections["disk"] = connection_value("disk", "fs", extra=f'{{"path": "{tmp_path}"}}')
    assert FSHook("disk").test_connection() == (True, f"{tmp_path} is there.")
    memory.connections["disk"]["extra"] = '{"path": "/not/there"}'
    assert FSHook("disk").test_connection()[0] is False
    assert FSHook().test_connection() == (False, "The connection names no folder: put a path into its extra.")


def test_finding_a_file_names_it(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").touch()
    assert find_file(str(tmp_path)) == str(tmp_path / "sub" / "a")
    assert find_file(str(tmp_path / "b")) is None


def test_a_command_gets_exactly_its_environment():
    result = SubprocessHook().run_command(["/usr/bin/env"], env={"ONLY": "1"})
    assert result == (0, "ONLY=1")


def test_the_transfer_operator_does_not_overwrite_unasked(memory, tmp_path):
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    with make_dag():
        careful = FileTransferOperator(task_id="t", src=f"file://{tmp_path}/a", dst=f"file://{tmp_path}/b")
        bold = FileTransferOperator(task_id="u", src=f"file://{tmp_path}/a", dst=f"file://{tmp_path}/b", overwrite=True)
    with pytest.raises(ValueError, match="is there already"):
        execute(careful)
    execute(bold)
    assert (tmp_path / "b").read_text() == "new"
