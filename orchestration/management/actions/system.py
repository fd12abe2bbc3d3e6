"""``version``, ``info``, ``cheat-sheet``, ``plugins``, ``rotate-fernet-key``, ``sync-perm``."""

from __future__ import annotations

import argparse
import locale
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import Any

from airflowsite import API_VERSION, __version__
from orchestration.conf import conf
from orchestration.errors import Invalid
from orchestration.management import rehearsal
from orchestration.management.cli.main import boot
from orchestration.management.cli.output import emit
from orchestration.management.cli.parser import PROGRAM
from orchestration.management.cli.tree import Command, Entry, Group, Needs, tree

#: Programs that commands and tasks may call, and how each tells its version.
_TOOLS = {
    "git": ("git", "--version"),
    "ssh": ("ssh", "-V"),
    "dot": ("dot", "-V"),
    "sqlite3": ("sqlite3", "--version"),
    "psql": ("psql", "--version"),
    "kinit": ("kinit", "-V", "--help"),
}
#: A password before the last @ of an address, for it may hold anything, or in its query.
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):.*@")
_QUERY_PASSWORD = re.compile(r"([?&]password=)[^&]*")
#: The login and the host of an address.
_LOGIN = re.compile(r"(?<=://).*@[^:/?]*")


def version(args: argparse.Namespace) -> None:
    """The release whose APIs are spoken."""
    print(API_VERSION)


def cheat_sheet(args: argparse.Namespace) -> None:
    """All commands with a line on each, or the whole reference as Markdown."""
    if args.markdown:
        boot(Needs.EVERYTHING)  # the long-running parts declare their options to Django
        from orchestration.management.cli.reference import markdown

        print(markdown(), end="")
        return
    groups = [entry for entry in tree().values() if isinstance(entry, Group)]
    single = [entry for entry in tree().values() if not isinstance(entry, Group)]
    _print_block("Miscellaneous commands", [((PROGRAM, entry.name), entry) for entry in single])
    for group in groups:
        rows: list[tuple[tuple[str, ...], Entry]] = [
            ((PROGRAM, group.name, command.name), command)
            for command in sorted(group.commands, key=lambda command: command.name)
        ]
        _print_block(group.help, rows)


def _print_block(title: str, rows: list[tuple[tuple[str, ...], Entry]]) -> None:
    print(title)
    for path, entry in rows:
        if not (isinstance(entry, Command) and entry.is_hidden):
            print(f"{' '.join(path):<47} | {entry.help}")
    print()


def info(args: argparse.Namespace) -> None:
    """What this installation is made of, in four parts."""
    if args.file_io:
        raise Invalid("Nothing is sent to other hosts here. Write the output to a file, look at it, and pass it on.")
    parts = {
        "apache_airflow": _about_program(),
        "system_info": _about_system(),
        "tools_info": _about_tools(),
        "paths_info": _about_paths(),
        "providers_info": _about_providers(),
    }
    if args.anonymize:
        parts = {name: {key: _anonymous(value) for key, value in part.items()} for name, part in parts.items()}
    if args.output in {"json", "yaml"}:
        emit(({name: part} for name, part in parts.items()), args.output)
        return
    for name, part in parts.items():
        print(f"\n{name.replace('_', ' ').capitalize()}")
        emit(({"key": key, "value": value} for key, value in part.items()), args.output)


def _about_program() -> dict[str, str]:
    return {
        "version": API_VERSION,
        "airflowsite": __version__,
        "executor": conf.get("core", "executor"),
        "sql_alchemy_conn": _masked(conf.get("database", "sql_alchemy_conn")),
        "dags_folder": conf.get("core", "dags_folder"),
        "plugins_folder": conf.get("core", "plugins_folder"),
        "base_log_folder": conf.get("logging", "base_log_folder"),
    }


def _masked(url: str) -> str:
    return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def _about_system() -> dict[str, str]:
    return {
        "OS": platform.system(),
        "architecture": platform.machine(),
        "uname": str(platform.uname()),
        "locale": str(locale.getlocale()),
        "python_version": sys.version.replace("\n", " "),
        "python_location": sys.executable,
    }


def _about_tools() -> dict[str, str]:
    return {name: _tool_version(command) for name, command in _TOOLS.items()}


def _tool_version(command: tuple[str, ...]) -> str:
    if shutil.which(command[0]) is None:
        return "NOT AVAILABLE"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "NOT AVAILABLE"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else "available"


def _about_paths() -> dict[str, str]:
    return {
        "airflow_home": str(conf.home),
        "system_path": os.environ.get("PATH", ""),
        "python_path": ":".join(sys.path),
        "airflow_on_path": str(shutil.which(PROGRAM) is not None),
    }


def _about_providers() -> dict[str, str]:
    from orchestration.services import providers

    return {provider.package: provider.version for provider in providers.all_provided()}


def _anonymous(text: str) -> str:
    home = str(Path.home())
    user = Path.home().name
    text = _LOGIN.sub("${LOGIN}@${HOST}", text)
    text = text.replace(home, "${HOME}").replace(platform.node(), "${HOSTNAME}")
    return re.sub(rf"\b{re.escape(user)}\b", "${USER}", text) if user else text


def plugins(args: argparse.Namespace) -> None:
    """The plugins of the plugins folder and what each adds. A file that cannot be loaded is told on standard error."""
    from orchestration.authoring import alias
    from orchestration.authoring.compat import plugins_manager

    alias.install()
    getLogger(plugins_manager.__name__).setLevel(CRITICAL)  # what is left out is told below
    described = plugins_manager.get_plugin_info()
    rows: list[dict[str, Any]] = [
        {"name": found.pop("name"), "source": _source(plugin), **found}
        for plugin, found in zip(plugins_manager.plugins or (), described, strict=True)
    ]
    if args.output == "table":
        used = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
        rows = [{name: row[name] for name in used} for row in rows]
    if rows:
        emit(rows, args.output)
    else:
        print("No plugins loaded")
    for path, text in plugins_manager.import_errors.items():
        print(f"{path} cannot be loaded: {text}", file=sys.stderr)


def _source(plugin: Any) -> str:
    """Where a plugin is, as the reference writes it."""
    place = Path(sys.modules[plugin.__module__].__file__ or "")
    return f"$PLUGINS_FOLDER/{place.relative_to(conf.path('core', 'plugins_folder'))}"


def rotate_fernet_key(args: argparse.Namespace) -> None:
    """Encrypt all secrets anew with the first key of ``[core] fernet_key``."""
    count = 0
    with rehearsal.stage_here(args):
        for model, columns in _encrypted():
            rows = _rotate(model, columns)
            if args.dry_run:
                print(f"Would encrypt anew {', '.join(columns)} of {rows} rows: {model._meta.verbose_name_plural}")
            count += rows
    print(f"{count} rows {'would be' if args.dry_run else 'were'} encrypted anew.")


def _encrypted() -> Iterator[tuple[Any, list[str]]]:
    from django.apps import apps

    from orchestration.models.fields import EncryptedTextField

    for model in apps.get_app_config("orchestration").get_models():
        columns = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
        if columns:
            yield model, columns


def _rotate(model: Any, columns: list[str]) -> int:
    """Read and write each row: reading knows all keys, writing takes the newest."""
    count = 0
    for row in model._default_manager.select_for_update().only("pk", *columns).iterator(chunk_size=500):
        row.save(update_fields=columns)
        count += 1
    return count


def sync_permissions(args: argparse.Namespace) -> None:
    """Make the built-in roles whole again; with ``--include-dags`` DAG files are asked for their access_control."""
    from orchestration.access import roles

    roles.ensure_built_in()
    print("The built-in roles hold what they should.")
    if args.include_dags:
        from orchestration.models import Dag, ParseRequest
        from orchestration.models.wakeups import notify

        files = sorted(set(Dag.objects.active().values_list("fileloc", flat=True)))
        ParseRequest.objects.bulk_create((ParseRequest(fileloc=file) for file in files), ignore_conflicts=True)
        notify("dag_processor")
        print(f"The DAG processor parses {len(files)} files again and applies what they say of access to their DAGs")
