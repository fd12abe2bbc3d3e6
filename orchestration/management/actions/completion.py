"""``completion``: a shell script that knows all commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from orchestration.management.cli.parser import PROGRAM
from orchestration.management.cli.tree import Command, Group, commands, tree

_BASH = """\
_{program}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" path="" index=1
    while [ $index -lt $COMP_CWORD ] && [ $index -le 2 ]; do
        case "${{COMP_WORDS[index]}}" in -*) break ;; esac
        path="$path ${{COMP_WORDS[index]}}"
        index=$((index + 1))
    done
    local words=""
    case "${{path# }}" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _{program} {program}
"""


def script(args: argparse.Namespace) -> None:
    """Print the script: ``eval "$(airflowsite completion bash)"``."""
    if args.shell == "fish":
        print("\n".join(_fish()))
        return
    if args.shell == "zsh":
        print("autoload -U +X bashcompinit && bashcompinit")
    cases = "\n".join(f'        "{path}"{star}) words="{words}" ;;' for path, star, words in _cases())
    print(_BASH.format(program=PROGRAM, cases=cases), end="")


def _cases() -> Iterator[tuple[str, str, str]]:
    """Path, ``*`` where more words may follow it, and the words that can come next."""
    yield "", "", " ".join(tree())
    for entry in tree().values():
        if isinstance(entry, Group):
            yield entry.name, "", " ".join(sorted(command.name for command in entry.commands))
    for path, command in commands():
        yield " ".join(path), "*" if len(path) == 1 else "", " ".join(_options(command))


def _options(command: Command) -> list[str]:
    flags = [flag for argument in command.arguments if not argument.is_positional for flag in argument.flags]
    choices = [
        str(choice)
        for argument in command.arguments
        if argument.is_positional
        for choice in argument.settings.get("choices", ())
    ]
    return [*choices, *sorted(flags), "--help"]


def _fish() -> Iterator[str]:
    yield f"complete -c {PROGRAM} -f"
    first = f"complete -c {PROGRAM} -n __fish_use_subcommand"
    for entry in tree().values():
        yield f"{first} -a {entry.name} -d {_quoted(entry.help)}"
    for path, command in commands():
        if len(path) == 2:
            seen = f"__fish_seen_subcommand_from {path[0]}; and not __fish_seen_subcommand_from {path[1]}"
            yield f"complete -c {PROGRAM} -n {_quoted(seen)} -a {path[1]} -d {_quoted(command.help)}"
        where = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in path)
        for argument in command.arguments:
            if argument.is_positional or argument.help is None:
                continue
            flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in argument.flags)
            yield f"complete -c {PROGRAM} -n {_quoted(where)} {flags} -d {_quoted(argument.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
