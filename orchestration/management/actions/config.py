"""``config get-value``, ``list``: answered without Django."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from orchestration.conf import OPTIONS, ConfigError, Option, conf
from orchestration.errors import NotFound

_HIDDEN = "< hidden >"


def get_value(args: argparse.Namespace) -> None:
    """Print one value, secrets too: the caller could read them from the file. Leaves with 1 where there is none."""
    try:
        print(conf.get(args.section, args.option))
    except ConfigError:
        raise NotFound(
            f"Section [{args.section}] has no option {args.option}. `airflowsite config list` shows all."
        ) from None


def list_options(args: argparse.Namespace) -> None:
    """Print the options as a configuration file. Sensitive values are hidden unless ``--show-values``."""
    sections: dict[str, list[Option]] = {}
    for option in OPTIONS:
        if args.section in {None, option.section}:
            sections.setdefault(option.section, []).append(option)
    if not sections:
        raise NotFound(f"There is no section {args.section}.")
    for name, options in sections.items():
        print(_coloured(f"[{name}]", args))
        for option in options:
            for line in _lines(option, args):
                print(line)
        print()


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
    is_on = args.color == "on" or (args.color == "auto" and sys.stdout.isatty())
    return f"\x1b[36m{text}\x1b[0m" if is_on else text
