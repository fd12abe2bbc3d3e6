"""Which files of a folder are parsed."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from orchestration.conf import ConfigError
from orchestration.dagfiles.discover import DagFile, find_dag_files

DAG_TEXT = "from airflow import DAG\n"


def tree(root: Path, *paths: str, text: str = DAG_TEXT) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def found(root: Path, **options) -> list[str]:
    return [os.path.relpath(file.path, root) for file in find_dag_files(root, **options)]


def test_python_files_at_any_depth_are_found_sorted(tmp_path):
    tree(tmp_path, "b.py", "a.py", "sub/deep/c.py", "notes.txt", "script.sh")
    assert found(tmp_path) == ["a.py", "b.py", "sub/deep/c.py"]
    assert find_dag_files(tmp_path)[0] == DagFile(str(tmp_path / "a.py"), str(tmp_path))


@pytest.mark.parametrize(
    ("content", "safe", "unsafe"),
    [
        (b"from airflow import DAG", True, True),
        (b"# AIRFLOW and a dAg", True, True),
        (b"import airflow", False, True),
        (b"dag = 1", False, True),
        (b"\xff\xfe airflow \x00 dag", True, True),
        ("größe = 'airflow dag'".encode("latin-1"), True, True),
        (b"", False, True),
    ],
)
def test_safe_mode_looks_for_two_words_in_the_bytes(tmp_path, content, safe, unsafe):
    (tmp_path / "f.py").write_bytes(content)
    assert found(tmp_path, safe_mode=True) == (["f.py"] if safe else [])
    assert found(tmp_path, safe_mode=False) == (["f.py"] if unsafe else [])


def test_zip_archives_count_whatever_their_name(tmp_path):
    for name in ("a.zip", "b.egg", "c.py"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("x.py", "pass")
    (tmp_path / "d.zip").write_text("no archive")
    assert found(tmp_path) == ["a.zip", "b.egg", "c.py"]


def test_one_file_may_be_given(tmp_path):
    tree(tmp_path, "a.py", "b.py")
    assert find_dag_files(tmp_path / "a.py") == [DagFile(str(tmp_path / "a.py"), str(tmp_path))]


def test_a_missing_folder_has_no_files(tmp_path):
    assert find_dag_files(tmp_path / "nowhere") == []


def test_an_unknown_syntax_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="regexp or glob"):
        find_dag_files(tmp_path, syntax="xpath")


@pytest.mark.parametrize(
    ("ignores", "kept"),
    [
        ({"": "b\\.py"}, ["a.py", "sub/a.py"]),
        ({"": "^b\\.py$"}, ["a.py", "sub/a.py", "sub/b.py"]),
        ({"": "sub/"}, ["a.py", "b.py"]),
        ({"": "sub"}, ["a.py", "b.py"]),
        ({"": "# all\n\n  # b\n"}, ["a.py", "b.py", "sub/a.py", "sub/b.py"]),
        ({"": "b.py # not this one"}, ["a.py", "sub/a.py"]),
        ({"": "(unclosed\na"}, ["b.py", "sub/b.py"]),
        ({"sub": "a"}, ["a.py", "b.py", "sub/b.py"]),
        ({"sub": "^a"}, ["a.py", "b.py", "sub/a.py", "sub/b.py"]),  # paths count from the DAGs folder
        ({"sub": "^sub/a", "": "^b"}, ["a.py", "sub/b.py"]),
    ],
)
def test_regexps_are_searched_in_the_path_below_the_folder(tmp_path, ignores, kept):
    tree(tmp_path, "a.py", "b.py", "sub/a.py", "sub/b.py")
    for folder, text in ignores.items():
        tree(tmp_path, f"{folder}/.airflowignore".lstrip("/"), text=text)
    assert found(tmp_path, syntax="regexp") == kept


@pytest.mark.parametrize(
    ("ignores", "kept"),
    [
        ({"": "b.py"}, ["a.py", "sub/a.py", "sub/deep/a.py"]),
        ({"": "/b.py"}, ["a.py", "sub/a.py", "sub/b.py", "sub/deep/a.py"]),
        ({"": "sub/"}, ["a.py", "b.py"]),
        ({"": "sub/*.py"}, ["a.py", "b.py", "sub/deep/a.py"]),
        ({"": "**/a.py"}, ["b.py", "sub/b.py"]),
        ({"": "*.py\n!a.py"}, ["a.py", "sub/a.py", "sub/deep/a.py"]),
        ({"": "*.py", "sub": "!b.py"}, ["sub/b.py"]),
        ({"": "a.py", "sub": "!a.py", "sub/deep": "a.p?"}, ["b.py", "sub/a.py", "sub/b.py"]),
        ({"sub": "/a.py"}, ["a.py", "b.py", "sub/b.py", "sub/deep/a.py"]),
        ({"": "/\n# nothing\n"}, ["a.py", "b.py", "sub/a.py", "sub/b.py", "sub/deep/a.py"]),
        ({"": "sub/\n!sub/a.py"}, ["a.py", "b.py"]),  # what is in an ignored folder does not come back
    ],
)
def test_globs_follow_gitignore_with_nested_files_and_negation(tmp_path, ignores, kept):
    tree(tmp_path, "a.py", "b.py", "sub/a.py", "sub/b.py", "sub/deep/a.py")
    for folder, text in ignores.items():
        tree(tmp_path, f"{folder}/.airflowignore".lstrip("/"), text=text)
    assert found(tmp_path, syntax="glob") == kept


def test_an_ignore_file_of_odd_bytes_is_read_as_far_as_it_goes(tmp_path):
    tree(tmp_path, "a.py", "b.py")
    (tmp_path / ".airflowignore").write_bytes(b"\xff\xfe\na\n")
    assert found(tmp_path) == ["b.py"]


def test_links_are_followed_and_loops_are_left_out(tmp_path, caplog):
    root = tmp_path / "dags"
    tree(root, "a.py", "sub/b.py")
    tree(tmp_path, "elsewhere/c.py")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "sub" / "loop").symlink_to(root)
    (root / "again").symlink_to(tmp_path / "elsewhere")
    (root / "dangling.py").symlink_to(tmp_path / "gone.py")
    assert found(root) == ["a.py", "again/c.py", "sub/b.py"]
    assert "which was read already" in caplog.text


def test_a_named_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    assert found(tmp_path) == []


def test_a_line_that_would_search_for_years_holds_nobody_up(tmp_path, caplog):
    tree(tmp_path, f"{'a' * 60}.py", "left_out.py", "b.py")
    (tmp_path / ".airflowignore").write_text("^(a+)+$\nleft\n")
    began = time.monotonic()
    assert found(tmp_path, syntax="regexp", safe_mode=False) == [f"{'a' * 60}.py", "b.py"]
    assert time.monotonic() - began < 10
    assert "counts nothing from now on" in caplog.text
