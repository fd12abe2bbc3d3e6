"""The tables' lists and forms: Django's admin for every model, under the permissions of the APIs.

What has a verb in ``services`` is changed by it here, too, so each change is checked, refused and logged by one rule.
Every other table is shown and not changed.
"""

from __future__ import annotations

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model


def register(site: AdminSite) -> None:
    """Put every table on the site, in the place of what other apps put there for the same model."""
    from orchestration.admin.tables import automations, dags, history, objects, people

    for module in (automations, dags, history, objects, people):
        for model, kind in module.TABLES.items():
            _put(site, model, kind)


def _put(site: AdminSite, model: type[Model], kind: type[ModelAdmin[Model]]) -> None:
    if site.is_registered(model):
        site.unregister(model)
    site.register(model, kind)
