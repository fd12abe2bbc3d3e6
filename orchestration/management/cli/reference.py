"""``docs/cli.md``: every command and option, written from the declarations."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from orchestration.management.cli.arguments import Argument
from orchestration.management.cli.parser import PROGRAM
from orchestration.management.cli.tree import Command, Delegated, Group, tree

_HEAD = f"""\
# The command line

`{PROGRAM} GROUP COMMAND …`, or `manage.py GROUP COMMAND …`. Names, options, outputs and exit statuses are those of
Airflow 2.10.5: a script needs another program name and nothing else. `✓` marks what Airflow has, `+` what is only here.
This page is written by `{PROGRAM} cheat-sheet --markdown`; a test compares it with the commands.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | refused, not found, failed, not alive; the sentence on standard error says why and what to do |
| 2 | the command line is wrong |
| 130 | interrupted from the keyboard |

- `-o json`, `yaml`, `plain` and `table`: values are text, as in Airflow; None is `null`.
- `-` in the place of a DAG's id reads ids from standard input; in the place of a password, URI or value, the secret.
- Passwords also come from the environment: `AIRFLOWSITE_PASSWORD`.
- Each command that changes something leaves a row in the audit log, named as Airflow names it (`cli_dag_trigger`), with
  the command line and without its secrets.
- Django's own commands (`shell`, `showmigrations` …) work, too.

## Through a server

`AIRFLOW__CLI__API_CLIENT=airflow.api.client.json_client` sends the commands marked *remote* to the stable API at
`AIRFLOW__CLI__ENDPOINT_URL` (to its experimental one where only that is there) instead of the database. To sign in set
`AIRFLOW__CLI__TOKEN`, or `AIRFLOW__CLI__USERNAME` and `AIRFLOW__CLI__PASSWORD`, or have a Kerberos ticket. What a
server does not show, such as passwords of connections, is empty then.
"""


def markdown() -> str:
    """The page."""
    parts: list[str] = [_HEAD]
    groups = [entry for entry in tree().values() if isinstance(entry, Group)]
    for group in groups:
        parts.append(f"\n## {group.name}\n\n{group.help}.\n")
        parts += [_section(command, group) for command in sorted(group.commands, key=lambda command: command.name)]
    parts.append("\n## Single commands\n")
    for entry in tree().values():
        match entry:
            case Command():
                parts.append(_section(entry))
            case Delegated():
                parts.append(_delegated(entry))
    return "".join(parts)


def _section(command: Command, group: Group | None = None) -> str:
    path = f"{group.name} {command.name}" if group else command.name
    remote = ", *remote*" if command.is_remote else ""
    about = (command.description or command.help).replace("\n", " ").rstrip(".")
    lines = [f"\n### {path}", "", f"{_mark(command.is_extra)} {about}{remote}.", ""]
    return "\n".join([*lines, *_table(command.arguments, is_extra=command.is_extra)])


def _table(arguments: Iterable[Argument], *, is_extra: bool) -> Iterator[str]:
    shown = [argument for argument in arguments if argument.help is not None]
    if shown:
        yield "| | argument | meaning |"
        yield "|---|---|---|"
    for argument in shown:
        yield f"| {_mark(is_extra or argument.is_extra)} | {_form(argument)} | {_cell(argument.help or '')} |"
    if shown:
        yield ""


def _form(argument: Argument) -> str:
    names = ", ".join(f"`{flag}`" for flag in argument.flags)
    choices = argument.settings.get("choices")
    if choices:
        return f"{names} {{{', '.join(map(str, choices))}}}"
    takes_value = not argument.is_positional and "action" not in argument.settings
    return f"{names} {argument.flags[-1].lstrip('-').replace('-', '_').upper()}" if takes_value else names


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _mark(is_extra: bool) -> str:
    return "+" if is_extra else "✓"


def _delegated(entry: Delegated) -> str:
    from django.core.management import load_command_class

    parser = load_command_class("orchestration", entry.django_name).create_parser("", entry.django_name)
    lines = [f"\n### {entry.name}", "", f"✓ {entry.help}.", ""]
    choices = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if choices:
        for name, sub in choices[0].choices.items():
            lines += [f"#### {entry.name} {name}", "", *_actions(sub)]
        return "\n".join(lines)
    return "\n".join([*lines, *_actions(parser)])


#: Options that Django gives to each of its commands.
_DJANGO = frozenset(
    {"help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks"}
)


def _actions(parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = [action for action in parser._actions if action.dest not in _DJANGO]
    if actions:
        yield "| | argument | meaning |"
        yield "|---|---|---|"
    for action in actions:
        names = ", ".join(f"`{name}`" for name in action.option_strings or [action.dest])
        value = "" if action.nargs == 0 else f" {action.option_strings[-1].lstrip('-').replace('-', '_').upper()}"
        yield f"| ✓ | {names}{value} | {_cell(action.help or '')} |"
    yield ""
