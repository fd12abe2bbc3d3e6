"""Django's own questions (``user.has_perm("orchestration.view_pool")``), answered by the same permissions.

The admin site asks these. Each model stands for a resource; view, add, change and delete stand for read, create, edit
and delete. A model that no table below names is for superusers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from orchestration.access import permissions as p
from orchestration.access.permissions import Caller, Pair
from orchestration.models import Dag, User

#: Django's verbs as actions.
ACTIONS: Final[Mapping[str, str]] = {"view": p.READ, "add": p.CREATE, "change": p.EDIT, "delete": p.DELETE}

#: ``app.model`` as resource.
RESOURCES: Final[Mapping[str, str]] = {
    "orchestration.automation": p.AUTOMATIONS,
    "orchestration.backfill": p.DAG_RUNS,
    "orchestration.callbackrequest": p.JOBS,
    "orchestration.connection": p.CONNECTIONS,
    "orchestration.dag": p.DAGS,
    "orchestration.dagdatasetaliasreference": p.DATASETS,
    "orchestration.dagdatasetreference": p.DATASETS,
    "orchestration.daggrant": p.ROLES,
    "orchestration.dagimporterror": p.IMPORT_ERRORS,
    "orchestration.dagownerlink": p.DAGS,
    "orchestration.dagrun": p.DAG_RUNS,
    "orchestration.dagsource": p.DAG_CODE,
    "orchestration.dagtag": p.DAGS,
    "orchestration.dagversion": p.DAG_CODE,
    "orchestration.dagwarning": p.DAG_WARNINGS,
    "orchestration.dataset": p.DATASETS,
    "orchestration.datasetalias": p.DATASETS,
    "orchestration.datasetevent": p.DATASETS,
    "orchestration.datasetqueuedevent": p.DATASETS,
    "orchestration.delivery": p.AUTOMATIONS,
    "orchestration.eventlog": p.AUDIT_LOGS,
    "orchestration.job": p.JOBS,
    "orchestration.notificationchannel": p.AUTOMATIONS,
    "orchestration.parserequest": p.DAGS,
    "orchestration.personalaccesstoken": p.USERS,
    "orchestration.pool": p.POOLS,
    "orchestration.renderedfields": p.TASK_INSTANCES,
    "orchestration.slamiss": p.SLA_MISSES,
    "orchestration.taskinstance": p.TASK_INSTANCES,
    "orchestration.taskinstancehistory": p.TASK_INSTANCES,
    "orchestration.taskoutletreference": p.DATASETS,
    "orchestration.taskreschedule": p.TASK_RESCHEDULES,
    "orchestration.trigger": p.TRIGGERS,
    "orchestration.user": p.USERS,
    "orchestration.variable": p.VARIABLES,
    "orchestration.xcom": p.XCOMS,
    "auth.group": p.ROLES,
    "auth.permission": p.PERMISSIONS,
}


def pair_of(permission: str) -> Pair | None:
    """The (action, resource) behind ``app.verb_model``; None when there is none."""
    app, _, codename = permission.partition(".")
    verb, _, model = codename.partition("_")
    action, resource = ACTIONS.get(verb), RESOURCES.get(f"{app}.{model}")
    return Pair(action, resource) if action and resource else None


class RoleBackend(ModelBackend):
    """Django's password login, with permissions from roles."""

    def has_perm(self, user_obj: Caller, perm: str, obj: Model | None = None) -> bool:
        """Whether the pair behind the Django permission is held, everywhere or for the DAG that ``obj`` belongs to.

        Without an object a grant on any one DAG is enough for DAGs and DAG runs: the lists are filtered.
        """
        if ":" in perm:
            pair: Pair | None = Pair.of_codename(perm.partition(".")[2])
        else:
            pair = pair_of(perm)
        if pair is None or isinstance(user_obj, AnonymousUser):
            return False
        access = p.access_of(user_obj)
        if access.allows(*pair, dag_id=_dag_id(obj)):
            return True
        return obj is None and pair.resource in p.GRANTABLE and bool(access.dag_ids(*pair))

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether anything of the app may be read."""
        if isinstance(user_obj, AnonymousUser):
            return False
        access = p.access_of(user_obj)
        readable = {name for key, name in RESOURCES.items() if key.startswith(f"{app_label}.")}
        return any(access.allows(p.READ, resource) for resource in readable) or (
            app_label == Dag._meta.app_label and bool(access.grants)
        )

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The Django permissions whose pairs are held."""
        return {
            f"{key.partition('.')[0]}.{verb}_{key.partition('.')[2]}"
            for key in RESOURCES
            for verb in ACTIONS
            if self.has_perm(user_obj, f"{key.partition('.')[0]}.{verb}_{key.partition('.')[2]}", obj)
        }


def _dag_id(obj: Model | None) -> str | None:
    """The DAG that an object is or belongs to; None where it is of none."""
    found = getattr(obj, "dag_id", None)
    return found if isinstance(found, str) else None
