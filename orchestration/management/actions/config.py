"""``config get-value``, ``list``: answered without Django."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from orchestration.conf import OPTIONS, TABLE, Option, conf
from orchestration.errors import NotFound

_HIDDEN = "< hidden >"


def get_value(args: argparse.Namespace) -> None:
    """Print one value, secrets too: the caller could read them from the file. Leaves with 1 where there is none."""
    found = conf.raw(args.section, args.option)
    if found is None:
        raise NotFound(f"Section [{args.section}] has no option {args.option}. `airflowsite config list` shows all.")
    print(found[0])


def list_options(args: argparse.Namespace) -> None:
    """Print the options as a configuration file. Sensitive values are hidden unless ``--show-values``."""
    sections: dict[str, list[Option]] = {}
    for option in (*OPTIONS, *([] if args.defaults else _only_in_file())):
        if args.section in {None, option.section}:
            sections.setdefault(option.section, []).append(option)
    if not sections:
        raise NotFound(f"There is no section {args.section}. `airflowsite config list` shows all.")
    for name, options in sections.items():
        print(_coloured(f"[{name}]", args))
        for option in options:
            for line in _lines(option, args):
                print(line)
        print()


def _only_in_file() -> Iterator[Option]:
    """Options of the file that are not this program's, as DAG files may have."""
    from orchestration.authoring.secrets import should_hide_value_for_key

    for section, key in sorted({*conf.keys()} - TABLE.keys()):
        yield Option(section, key, "string", "", "An option of your own.", sensitive=should_hide_value_for_key(key))


def _lines(option: Option, args: argparse.Namespace) -> Iterator[str]:
    value, source = option.default, "default"
    if not args.defaults:
        value, source = conf.raw(option.section, option.key) or (option.default, "default")
    notes = []
    if args.include_descriptions or args.defaults:
        notes.append(option.meaning)
    if (args.include_examples or args.defaults) and option.default:
        notes.append(f"Example: {option.key} = {option.default}")
    if args.include_sources and not args.defaults:
        notes.append(f"Source: {source}")
    if args.include_env_vars or args.defaults:
        notes.append(f"Variable: AIRFLOW__{option.section.upper()}__{option.key.upper()}")
    yield from (f"# {note}" for note in notes)
    if option.sensitive and value and not args.show_values:
        value = _HIDDEN
    mark = "# " if args.comment_out_everything or args.defaults else ""
    yield f"{mark}{option.key} = {value}"
    if notes:
        yield ""


def _coloured(text: str, args: argparse.Namespace) -> str:
    is_on = args.color == "on" or (args.color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    return f"\x1b[36m{text}\x1b[0m" if is_on else text
