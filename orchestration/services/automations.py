"""Automations: made, changed, deleted; which DAGs one is about."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.errors import Conflict, Invalid
from orchestration.models import Automation, Dag, Dataset
from orchestration.models.dag import owners_of
from orchestration.services import audit

_E, _A = Automation.Event, Automation.Action
#: Events of a run or of a task in one.
OF_RUNS: Final = frozenset({_E.RUN_SUCCESS, _E.RUN_FAILED, _E.RUN_LONG, _E.TASK_FAILED, _E.TASK_RETRY})
#: Events of one DAG.
OF_DAGS: Final = OF_RUNS | {_E.SLA_MISS, _E.DAG_LATE}
#: Events to which an automation's DAG id, tag and owner apply.
NARROWED: Final = OF_DAGS | {_E.DATASET}
#: Actions that need a run, or a DAG.
_NEEDS: Final = {_A.CLEAR_FAILED: frozenset({_E.RUN_FAILED, _E.TASK_FAILED}), _A.PAUSE: OF_DAGS}


@transaction.atomic
def create(*, actor: Caller | None, **fields: Any) -> Automation:
    """Make an automation from the model's fields; what happened before does not count.

    Raises Conflict when the name is taken, Invalid, Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.AUTOMATIONS)
    now = timezone.now()
    automation = Automation(**{**fields, "active_since": now, "seen_until": now})
    _check(automation)
    _save(automation)
    audit.record("automation.create", actor=actor, extra=_shown(fields))
    return automation


@transaction.atomic
def update(automation: Automation, *, actor: Caller | None, **changes: Any) -> Automation:
    """Change some fields; from now on only what happens later counts. Raises Conflict, Invalid, Forbidden."""
    permissions.require(actor, permissions.EDIT, permissions.AUTOMATIONS)
    for field, value in changes.items():
        setattr(automation, field, value)
    automation.active_since = automation.seen_until = timezone.now()
    _check(automation)
    _save(automation)
    audit.record("automation.edit", actor=actor, extra=_shown({"name": automation.name, **changes}))
    return automation


@transaction.atomic
def delete(automation: Automation, *, actor: Caller | None) -> None:
    """Delete an automation. What it has put into the outbox is still done."""
    permissions.require(actor, permissions.DELETE, permissions.AUTOMATIONS)
    name = automation.name
    automation.delete()
    audit.record("automation.delete", actor=actor, extra={"name": name})


def is_about(automation: Automation, dag_id: str, tags: Collection[str], owners: str) -> bool:
    """Whether the rule's filters let the DAG through; ``owners`` as ``Dag.owners`` has them."""
    if not fnmatch.fnmatchcase(dag_id, automation.dag_pattern):
        return False
    if automation.tag and automation.tag not in tags:
        return False
    return not automation.owner or automation.owner in owners_of(owners)


def _save(automation: Automation) -> None:
    try:
        with transaction.atomic():
            automation.save()
    except IntegrityError:
        raise Conflict(f"There is an automation {automation.name!r} already.") from None


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name == "channel" else value for name, value in fields.items()}


def _check(automation: Automation) -> None:
    event, action = Automation.Event(automation.event), Automation.Action(automation.action)
    if not automation.name.strip():
        raise Invalid("An automation needs a name.")
    if not automation.dag_pattern.strip():
        raise Invalid("Give a DAG id or a pattern; * is every DAG.")
    allowed = _NEEDS.get(action)
    if allowed is not None and event not in allowed:
        raise Invalid(f"To {action.label} needs another event than: {event.label}.")
    if action == _A.NOTIFY and automation.channel is None:
        raise Invalid("Choose the channel to notify.")
    if action == _A.TRIGGER:
        _check_target(automation, event)
    if action == _A.DATASET_EVENT:
        if not Dataset.objects.filter(uri=automation.target_dataset).exists():
            raise Invalid(f"There is no dataset {automation.target_dataset!r}.")
        if event == _E.DATASET and fnmatch.fnmatchcase(automation.target_dataset, automation.dataset_pattern or "*"):
            raise Invalid("The event that this automation makes would be one that it acts on, without end.")


def _check_target(automation: Automation, event: Automation.Event) -> None:
    if not isinstance(automation.target_conf, dict):
        raise Invalid("The configuration of the DAG to trigger must be a JSON object.")
    dag = Dag.objects.filter(pk=automation.target_dag_id).first()
    if dag is None:
        raise Invalid(f"There is no DAG {automation.target_dag_id!r}.")
    tags = list(dag.tags.values_list("name", flat=True))
    if event in OF_RUNS and is_about(automation, dag.dag_id, tags, dag.owners):
        raise Invalid("The DAG to trigger is one that this automation acts on: it would run without end.")
