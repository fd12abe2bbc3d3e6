"""``providers …``: which packages of Airflow's integrations work here, and what they bring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from orchestration.errors import NotFound
from orchestration.management.cli.output import emit
from orchestration.services import providers

_AUTH_MANAGER = "orchestration.access"


def list_providers(args: argparse.Namespace) -> None:
    """All provider packages that this program stands in for."""
    rows = (
        {"package_name": one.package, "description": one.description, "version": one.version}
        for one in providers.all_provided()
    )
    emit(rows, args.output)


def get(args: argparse.Namespace) -> None:
    """One provider package."""
    for one in providers.all_provided():
        if one.package == args.provider_name:
            if args.full:
                emit([providers.facts(one)], args.output)
            else:
                emit([{"Provider": one.package, "Version": one.version}], args.output)
            return
    raise NotFound(f"There is no provider {args.provider_name!r}; `airflowsite providers list` shows all.")


def auth(args: argparse.Namespace) -> None:
    """The authentication backends by the names that ``[api] auth_backends`` takes."""
    from orchestration.access.authentication import BACKENDS

    _names(args, "api_auth_backend_module", sorted(BACKENDS))


def auth_managers(args: argparse.Namespace) -> None:
    """The authorisation manager: Django's users, groups and permissions."""
    _names(args, "auth_managers_module", [_AUTH_MANAGER])


def behaviours(args: argparse.Namespace) -> None:
    """Connection types whose form hides or renames fields: none."""
    emit([], args.output)


def configs(args: argparse.Namespace) -> None:
    """Providers with options of their own: none, all options are the program's."""
    emit([], args.output)


def executors(args: argparse.Namespace) -> None:
    """The executors by the names that ``[core] executor`` takes."""
    _names(args, "executor_names", ["CeleryExecutor", "LocalExecutor", "SequentialExecutor"])


def hooks(args: argparse.Namespace) -> None:
    """The connection types that have a hook."""
    from orchestration.authoring.hook_table import HOOKS

    rows = (
        {
            "connection_type": kind,
            "class": f"{module}.{name}",
            "conn_id_attribute_name": attribute,
            "package_name": "airflowsite",
            "hook_name": name.removesuffix("Hook"),
        }
        for kind, (module, name, attribute) in sorted(HOOKS.items())
    )
    emit(rows, args.output)


def lazy_loaded(args: argparse.Namespace) -> int:
    """Leave with 0 when no provider was loaded by this command, else with 1."""
    loaded = sorted(name for name in sys.modules if name.startswith("airflow.providers"))
    if loaded:
        print(f"These were loaded: {', '.join(loaded)}", file=sys.stderr)
    else:
        print("No provider was loaded.")
    return 1 if loaded else 0


def links(args: argparse.Namespace) -> None:
    """The extra links that operators here can show."""
    _names(args, "extra_link_class_name", ["TriggerDagRunLink", "ExternalDagLink"])


def logging(args: argparse.Namespace) -> None:
    """Handlers of task logs: files on this machine only."""
    emit([], args.output)


def notifications(args: argparse.Namespace) -> None:
    """The notifiers."""
    _names(args, "notification_class_name", ["airflow.providers.smtp.notifications.smtp.SmtpNotifier"])


def secrets(args: argparse.Namespace) -> None:
    """Backends of secrets beside the environment and the database: none."""
    emit([], args.output)


def triggers(args: argparse.Namespace) -> None:
    """The triggers that deferred tasks can wait for."""
    from orchestration.authoring.alias_table import TABLE

    rows = (
        {"package_name": "airflowsite", "class": path, "integration_name": "core"}
        for path in sorted(TABLE)
        if path.startswith("airflow.triggers.")
    )
    emit(rows, args.output)


def widgets(args: argparse.Namespace) -> None:
    """Widgets that connection forms have beside the usual ones: none."""
    emit([], args.output)


def _names(args: argparse.Namespace, column: str, names: Iterable[str]) -> None:
    rows: list[dict[str, Any]] = [{column: name} for name in names]
    emit(rows, args.output)
