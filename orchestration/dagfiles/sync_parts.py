"""What hangs on the DAGs of one file: tags, owners' links, grants to roles; and the pools their tasks name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import Group

from orchestration.models import DagGrant, DagOwnerLink, DagTag, Pool
from orchestration.serialization.values import SerializedDag

#: The actions a DAG file may grant on a DAG, by kind of resource.
GRANTABLE: Mapping[str, frozenset[str]] = {
    "DAGs": frozenset({"can_read", "can_edit", "can_delete"}),
    "DAG Runs": frozenset({"can_read", "can_create", "can_delete", "menu_access"}),
}


def write(present: Mapping[str, SerializedDag], is_new: Collection[str]) -> dict[str, str]:
    """Bring tags, links and grants to what the file says; path → error of an access control that cannot hold."""
    known = [dag_id for dag_id in present if dag_id not in is_new]
    _tags(present, known)
    _links(present, known)
    return _grants(present)


def pools(present: Mapping[str, Any]) -> dict[str, str]:
    """DAG id → the warning, for DAGs with tasks in pools that do not exist; one query."""
    used = {dag_id: {task.pool for task in dag.tasks.values()} for dag_id, dag in present.items()}
    there = set(Pool.objects.filter(name__in=set().union(*used.values())).values_list("name", flat=True))
    return {
        dag_id: f"Dag '{dag_id}' references non-existent pools: {sorted(names - there)!r}"
        for dag_id, names in used.items()
        if names - there
    }


def _tags(present: Mapping[str, SerializedDag], known: Collection[str]) -> None:
    wanted = {(dag_id, tag) for dag_id, dag in present.items() for tag in dag.tags}
    stored = {(tag.dag_id, tag.name): tag.pk for tag in DagTag.objects.filter(dag_id__in=known)}
    if gone := [pk for key, pk in stored.items() if key not in wanted]:
        DagTag.objects.filter(pk__in=gone).delete()
    fresh = sorted(wanted - stored.keys())
    DagTag.objects.bulk_create([DagTag(dag_id=dag_id, name=name) for dag_id, name in fresh])


def _links(present: Mapping[str, SerializedDag], known: Collection[str]) -> None:
    wanted = {
        (dag_id, owner[:500]): link[:500] for dag_id, dag in present.items() for owner, link in dag.owner_links.items()
    }
    stored = {(link.dag_id, link.owner): link for link in DagOwnerLink.objects.filter(dag_id__in=known)}
    if gone := [link.pk for key, link in stored.items() if wanted.get(key) != link.link]:
        DagOwnerLink.objects.filter(pk__in=gone).delete()
    fresh = [key for key, link in wanted.items() if key not in stored or stored[key].link != link]
    DagOwnerLink.objects.bulk_create(
        [DagOwnerLink(dag_id=dag_id, owner=owner, link=wanted[dag_id, owner]) for dag_id, owner in fresh]
    )


def _grants(present: Mapping[str, SerializedDag]) -> dict[str, str]:
    """Grants of the DAGs that say something of access control, and only of those: the others' are set by people."""
    errors: dict[str, str] = {}
    ruled = {dag_id: dag for dag_id, dag in present.items() if dag.access_control}
    if not ruled:
        return errors
    roles = {role for dag in ruled.values() for role in dag.access_control}
    groups = dict(Group.objects.filter(name__in=roles).values_list("name", "pk"))
    wanted: set[tuple[str, int, str, str]] = set()
    for dag_id, dag in ruled.items():
        problem = _problem(dag, groups)
        if problem is not None:
            errors[dag.fileloc] = f"AirflowException: {problem}"
            continue
        wanted |= {
            (dag_id, groups[role], resource, action)
            for role, resources in dag.access_control.items()
            for resource, actions in resources.items()
            for action in actions
        }
    sound = [dag_id for dag_id, dag in ruled.items() if dag.fileloc not in errors]
    stored = {
        (grant.dag_id, grant.group_id, grant.resource, grant.action): grant.pk
        for grant in DagGrant.objects.filter(dag_id__in=sound)
    }
    if gone := [pk for key, pk in stored.items() if key not in wanted]:
        DagGrant.objects.filter(pk__in=gone).delete()
    DagGrant.objects.bulk_create(
        [
            DagGrant(dag_id=dag_id, group_id=group, resource=resource, action=action)
            for dag_id, group, resource, action in sorted(wanted - stored.keys())
        ]
    )
    return errors


def _problem(dag: SerializedDag, groups: Mapping[str, int]) -> str | None:
    for role, resources in dag.access_control.items():
        if role not in groups:
            return (
                f"access_control of DAG {dag.dag_id!r} gives rights to the role {role!r}, which there is not. "
                "Make the role, or take it out."
            )
        for resource, actions in resources.items():
            if resource not in GRANTABLE:
                return (
                    f"access_control of DAG {dag.dag_id!r} names the resource {resource!r}. "
                    f"Rights are given to {', '.join(sorted(GRANTABLE))}."
                )
            if invalid := sorted(set(actions) - GRANTABLE[resource]):
                return (
                    f"access_control of DAG {dag.dag_id!r} gives {', '.join(invalid)} on {resource}. "
                    f"To be given there are {', '.join(sorted(GRANTABLE[resource]))}."
                )
    return None
