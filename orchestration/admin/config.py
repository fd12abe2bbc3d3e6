"""The admin app with the operators' desk as its site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperatorsAdminConfig(AdminConfig):
    """``django.contrib.admin`` whose default site is the operators' desk."""

    default_site = "orchestration.admin.site.OperatorsSite"

    def ready(self) -> None:
        """Put the tables on the site, after other apps have put theirs."""
        super().ready()
        from django.contrib import admin

        from orchestration.admin import tables

        tables.register(admin.site)
