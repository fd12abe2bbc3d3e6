"""``dags pause``, ``unpause``, ``delete``: also through a server, so no table is read here at import."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from orchestration import clients
from orchestration.clients.base import Client
from orchestration.errors import Invalid, NotFound
from orchestration.management.cli.output import confirm, emit, given_ids


def pause(args: argparse.Namespace) -> None:
    """Pause DAGs."""
    _switch(args, is_paused=True)


def unpause(args: argparse.Namespace) -> None:
    """Resume DAGs."""
    _switch(args, is_paused=False)


def _switch(args: argparse.Namespace, *, is_paused: bool) -> None:
    client = clients.current()
    matched = [dag_id for dag_id in _meant(client, args) if client.is_paused(dag_id) != is_paused]
    word = "pause" if is_paused else "unpause"
    if not matched:
        print(f"No {'un' if is_paused else ''}paused DAGs were found")
        return
    question = f"{word.capitalize()} these {len(matched)} DAGs?\n{', '.join(matched)}\n"
    if args.treat_dag_id_as_regex and not confirm(question, yes=args.yes):
        print("Nothing was changed.")
        return
    for dag_id in matched:
        client.set_paused(dag_id, is_paused)
    emit(({"dag_id": dag_id, "is_paused": is_paused} for dag_id in matched), args.output)


def _meant(client: Client, args: argparse.Namespace) -> Iterator[str]:
    """The DAGs that the command line names and that exist."""
    if args.treat_dag_id_as_regex:
        pattern = _pattern(args.dag_id)
        yield from (dag_id for dag_id in client.dag_ids() if pattern.search(dag_id))
        return
    for dag_id in given_ids(args.dag_id):
        try:
            client.is_paused(dag_id)
        except NotFound:
            continue
        yield dag_id


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Invalid(f"{text!r} is no regular expression: {error}.") from None


def delete(args: argparse.Namespace) -> None:
    """Delete the rows of DAGs."""
    dag_ids = given_ids(args.dag_id)
    client = clients.current()
    if args.dry_run:
        for dag_id in dag_ids:
            number = len(client.runs(dag_id))
            _require_deletable(dag_id)
            print(f"Would delete the DAG {dag_id} with its {number} runs")
        return
    if not confirm(
        f"{', '.join(dag_ids)} will be deleted with all runs, task instances and XComs. Go on?", yes=args.yes
    ):
        print("Nothing was deleted.")
        return
    for dag_id in dag_ids:
        print(client.delete_dag(dag_id))


def _require_deletable(dag_id: str) -> None:
    """Refuse what the deletion would; through a server only that itself finds out. Raises Conflict."""
    if clients.is_remote():
        return
    from orchestration.services import dags

    dags.require_deletable(dag_id)
