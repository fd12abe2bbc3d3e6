"""Every command, option and positional of the reference's command line, one test each.

``airflow_cli_2_10_5.json`` holds what walking the argument parser of apache-airflow 2.10.5 gave.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from orchestration.management.cli.main import django_name
from orchestration.management.cli.parser import command_parser
from orchestration.management.cli.tree import Command, Delegated, Group, commands, find, tree
from tests.commands.conftest import flags_of

REFERENCE: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "airflow_cli_2_10_5.json").read_text())
#: Defaults that differ on purpose: this program's options decide.
OWN_DEFAULTS = {("kerberos", "keytab"), ("db check", "retry")}
#: The reference has them with its Celery provider only.
_BACKGROUND = ("-D", "--daemon", "-l", "--log-file", "--pid", "--stderr", "--stdout", "-v", "--verbose")
CELERY = {
    "flower": (
        "-A", "--basic-auth", "-a", "--broker-api", "-c", "--flower-conf", "-H", "--hostname", "-p", "--port",
        "-u", "--url-prefix", *_BACKGROUND,
    ),
    "stop": ("--pid", "-v", "--verbose"),
    "worker": (
        "-a", "--autoscale", "-H", "--celery-hostname", "-c", "--concurrency", "-q", "--queues",
        "-s", "--skip-serve-logs", "-u", "--umask", "--without-gossip", "--without-mingle", *_BACKGROUND,
    ),
}  # fmt: skip
ARGUMENTS = [
    pytest.param(command, argument, id=f"{command} {(argument.get('flags') or [argument['dest']])[-1]}")
    for command, arguments in REFERENCE.items()
    for argument in arguments
]


@cache
def parser_of(path: str) -> argparse.ArgumentParser:
    """Our parser of a command."""
    first, _, second = path.partition(" ")
    entry = find(first)
    match entry:
        case Group():
            return command_parser(entry.find(second), entry)
        case Command():
            return command_parser(entry)
        case Delegated():
            from django.core.management import load_command_class

            return load_command_class("orchestration", entry.django_name).create_parser("", entry.django_name)
    raise AssertionError(f"there is no command {path}")


@pytest.mark.parametrize("path", REFERENCE)
def test_every_command_is_there(path):
    assert parser_of(path) is not None


@pytest.mark.parametrize(("path", "wanted"), ARGUMENTS)
def test_every_argument_is_there_with_the_same_form(path, wanted):
    found = flags_of(parser_of(path))
    names = wanted.get("flags") or [wanted["dest"]]
    missing = [name for name in names if name not in found]
    assert not missing
    action = found[names[0]]
    assert all(found[name] is action for name in names)
    is_delegated = isinstance(find(path.partition(" ")[0]), Delegated)
    kinds = {"store_true": argparse._StoreTrueAction, "store_false": argparse._StoreFalseAction}
    if "action" in wanted:
        assert isinstance(action, kinds[wanted["action"]])
    if is_delegated:
        return  # they keep their own names for what they read
    assert action.dest == wanted["dest"]
    assert bool(action.required) == bool(wanted.get("required")) or "flags" not in wanted
    assert (action.nargs or None) == wanted.get("nargs") or action.nargs == 0
    assert sorted(map(str, action.choices or [])) == wanted.get("choices", [])
    if "default" in wanted and (path, wanted["dest"]) not in OWN_DEFAULTS:
        assert action.default == wanted["default"]
    assert (action.help == argparse.SUPPRESS) == bool(wanted.get("hidden"))


@pytest.mark.parametrize("group", ["worker", "flower", "stop"])
def test_the_celery_commands_are_there(group):
    found = parser_of("celery")
    choices = next(a for a in found._actions if isinstance(a, argparse._SubParsersAction)).choices
    assert group in choices


@pytest.mark.parametrize(("name", "flag"), [(name, flag) for name, flags in CELERY.items() for flag in flags])
def test_every_option_of_the_celery_commands_is_there(name, flag):
    found = parser_of("celery")
    choices = next(a for a in found._actions if isinstance(a, argparse._SubParsersAction)).choices
    action = flags_of(choices[name])[flag]
    if flag == "--pid":
        assert action.nargs == "?"
    if flag in {"-D", "-s", "-v", "--without-gossip", "--without-mingle"}:
        assert isinstance(action, argparse._StoreTrueAction)


def test_what_the_reference_has_not_is_marked():
    known = set(REFERENCE)
    for path, command in commands():
        name = " ".join(path)
        assert command.is_extra == (name not in known), name
        if command.is_extra:
            continue
        theirs = {flag for argument in REFERENCE[name] for flag in argument.get("flags", [argument["dest"]])}
        for argument in command.arguments:
            assert argument.is_extra == (argument.flags[0] not in theirs), (name, argument.flags)


@pytest.mark.parametrize(("path", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in commands()])
def test_every_command_says_what_it_is_for(run, path, command):
    done = run(*path, "--help")
    assert done.status == 0
    assert (command.description or command.help).splitlines()[0][:40] in done.out


@pytest.mark.parametrize(("path", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in commands()])
def test_an_unknown_option_is_a_usage_error(run, path, command):
    done = run(*path, "--no-such-option")
    assert done.status == 2
    assert "The help above says what it takes" in done.err


@pytest.mark.parametrize("words", [[], ["nope"], ["pools"], ["pools", "nope"], ["-x"]])
def test_a_wrong_command_is_a_usage_error(run, words):
    done = run(*words)
    assert done.status == 2
    assert "The help above says what it takes" in done.err
    assert "Options" in done.out


def test_the_program_alone_lists_groups_and_commands(run):
    done = run("--help")
    assert done.status == 0
    for name in tree():
        entry = find(name)
        assert (name in done.out) or (isinstance(entry, Command) and entry.is_hidden)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["dags", "list"], None),
        ([], None),
        (["--help"], None),
        (["dag-processor", "-n", "1"], "dag_processor"),
        (["dag_processor"], "dag_processor"),
        (["scheduler"], "scheduler"),
        (["import_airflow"], None),
        (["migrate"], "migrate"),
        (["makemigrations"], "makemigrations"),
        (["nope"], None),
        (["help"], "help"),
    ],
)
def test_djangos_own_commands_are_djangos(words, name):
    assert django_name(words) == name


def test_the_page_about_the_commands_is_up_to_date():
    from orchestration.management.cli.reference import markdown

    page = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
    assert page.read_text() == markdown(), "write it anew: airflowsite cheat-sheet --markdown > docs/cli.md"


def test_the_page_ticks_every_command_and_option_of_the_reference():
    page = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
    sections = {part.partition("\n")[0]: part for part in page.split("\n### ")}
    for path, arguments in REFERENCE.items():
        for argument in arguments:
            if not argument.get("hidden"):
                assert f"`{(argument.get('flags') or [argument['dest']])[0]}`" in sections[path], (path, argument)
