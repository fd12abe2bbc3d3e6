"""The sidebar, and what the search box of the sidebar finds: pages, tables and DAGs that the caller may open."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q
from django.db.models.options import Options
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from unfold.dataclasses import SearchResult

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Pair, meets, readable_dag_ids
from orchestration.models import Dag

#: Group, then (title, icon, address name, resource to read).
_GROUPS: Final[tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]] = (
    (
        "",
        (
            ("Home", "home", "index", p.WEBSITE),
            ("DAGs", "account_tree", "desk_dags", p.DAGS),
            ("Timeline", "view_timeline", "desk_timeline", p.DAG_RUNS),
            ("Datasets", "database", "desk_datasets", p.DATASETS),
            ("Cluster activity", "monitoring", "desk_cluster", p.CLUSTER_ACTIVITY),
            ("Workers and queues", "memory", "desk_workers", p.JOBS),
            ("DAG dependencies", "hub", "desk_dependencies", p.DEPENDENCIES),
        ),
    ),
    (
        "Browse",
        (
            ("DAG runs", "play_circle", "orchestration_dagrun_changelist", p.DAG_RUNS),
            ("Task instances", "task_alt", "orchestration_taskinstance_changelist", p.TASK_INSTANCES),
            ("Jobs", "dns", "orchestration_job_changelist", p.JOBS),
            ("Audit log", "history", "orchestration_eventlog_changelist", p.AUDIT_LOGS),
            ("Reschedules", "update", "orchestration_taskreschedule_changelist", p.TASK_RESCHEDULES),
            ("Triggers", "bolt", "orchestration_trigger_changelist", p.TRIGGERS),
            ("SLA misses", "alarm", "orchestration_slamiss_changelist", p.SLA_MISSES),
            ("Import errors", "error", "orchestration_dagimporterror_changelist", p.IMPORT_ERRORS),
            ("DAG warnings", "warning", "orchestration_dagwarning_changelist", p.DAG_WARNINGS),
        ),
    ),
    (
        "Automations",
        (
            ("Automations", "smart_toy", "orchestration_automation_changelist", p.AUTOMATIONS),
            ("Channels", "campaign", "orchestration_notificationchannel_changelist", p.AUTOMATIONS),
            ("Deliveries", "outbox", "orchestration_delivery_changelist", p.AUTOMATIONS),
        ),
    ),
    (
        "Settings",
        (
            ("Variables", "data_object", "orchestration_variable_changelist", p.VARIABLES),
            ("Connections", "cable", "orchestration_connection_changelist", p.CONNECTIONS),
            ("Pools", "pool", "orchestration_pool_changelist", p.POOLS),
            ("Configuration", "settings", "desk_config", p.CONFIGURATIONS),
            ("Plugins", "extension", "desk_plugins", p.PLUGINS),
            ("Providers", "deployed_code", "desk_providers", p.PROVIDERS),
        ),
    ),
    (
        "People",
        (
            ("Users", "person", "orchestration_user_changelist", p.USERS),
            ("Roles", "groups", "auth_group_changelist", p.ROLES),
            ("Grants on DAGs", "lock_person", "orchestration_daggrant_changelist", p.ROLES),
            ("Permissions", "shield_person", "desk_permissions", p.PERMISSIONS),
            ("Tokens", "key", "orchestration_personalaccesstoken_changelist", p.MY_PROFILE),
            ("Your profile", "account_circle", "desk_profile", p.MY_PROFILE),
        ),
    ),
)
#: DAGs that a search names.
_MOST_FOUND: Final = 20


#: Pages of the stable API that stand outside the admin: title, icon, address below the site's root.
_OUTSIDE: Final = (("REST API: Swagger", "api", "api/v1/ui/"), ("REST API: Redoc", "menu_book", "api/v1/redoc/"))


#: What the sidebar calls a table, by the name of its address.
_TABLES: Final = {address: title for _, items in _GROUPS for title, _, address, _ in items}


def table_title(opts: Options[Any]) -> str:
    """A table's name, the same in the sidebar and at the head of its pages."""
    name = str(opts.verbose_name_plural)
    return _TABLES.get(f"{opts.app_label}_{opts.model_name}_changelist", name[:1].upper() + name[1:])


def account(request: HttpRequest) -> list[dict[str, str]]:
    """The links of the operator's own menu."""
    if not request.user.is_authenticated:
        return []
    if not meets(request.user, (Pair(READ, p.MY_PROFILE),)):
        return []
    return [{"title": "Your profile", "link": reverse("admin:desk_profile")}]


def favicon(request: HttpRequest) -> str:
    """The address of the site's icon."""
    return static("orchestration/favicon.svg")


def _entries(request: HttpRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    from orchestration.admin.urls import has_page

    return [
        (
            title,
            [
                {
                    "title": name,
                    "icon": icon,
                    "link": reverse(f"admin:{address}"),
                    "active": _is_active(request, reverse(f"admin:{address}")),
                }
                for name, icon, address, resource in items
                if (not address.startswith("desk_") or has_page(address))
                and meets(request.user, (Pair(READ, resource),), any_dag=True)
            ],
        )
        for title, items in _GROUPS
    ]


def _is_active(request: HttpRequest, link: str) -> bool:
    return request.path == link if link == reverse("admin:index") else request.path.startswith(link)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's groups of links, without those that the caller may not open; none before the login."""
    if not request.user.is_authenticated:
        return []
    outside = [
        {"title": title, "icon": icon, "link": get_script_prefix() + address, "active": False}
        for title, icon, address in _OUTSIDE
    ]
    groups = [*_entries(request), ("Help", outside)]
    return [{"title": title, "items": items, "separator": bool(title)} for title, items in groups if items]


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Pages and tables by name, then DAGs by id, display name, tag or owner; one query."""
    found = [
        SearchResult(title=item["title"], description="Page", link=item["link"], icon=item["icon"])
        for _, items in _entries(request)
        for item in items
        if term in item["title"].lower()
    ]
    found += [
        SearchResult(title=str(model["name"]), description="Table", link=model["admin_url"], icon="table")
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if term in model["name"].lower() and model["admin_url"]
    ]
    wanted = Q(dag_id__icontains=term) | Q(dag_display_name__icontains=term) | Q(owners__icontains=term)
    wanted |= Q(dag_id__in=Dag.objects.filter(tags__name__icontains=term).values("dag_id"))
    dags = Dag.objects.active().filter(wanted)
    readable = readable_dag_ids(request.user)
    if readable is not None:
        dags = dags.filter(dag_id__in=readable)
    for dag_id, name in dags.values_list("dag_id", "dag_display_name")[:_MOST_FOUND]:
        link = reverse("admin:desk_dag", args=(dag_id,))
        found.append(SearchResult(title=name or dag_id, description="DAG", link=link, icon="account_tree"))
    return found
