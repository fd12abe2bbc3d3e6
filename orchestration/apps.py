"""The orchestration app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


class OrchestrationConfig(AppConfig):
    """Tables, services and commands of the orchestrator."""

    name = "orchestration"
    verbose_name = "Orchestration"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        from django.contrib.auth.signals import user_logged_in, user_login_failed

        post_migrate.connect(_after_migrate, sender=self)
        user_logged_in.connect(_note_login, dispatch_uid="note_login")
        user_logged_in.connect(_begin_session, dispatch_uid="begin_session")
        user_login_failed.connect(_note_failure, dispatch_uid="note_failure")


# What the receivers call is imported when they are called: a command that only reads rows needs none of it.


def _after_migrate(**_: Any) -> None:
    """Make what an installation starts with: roles and default_pool; nothing where the tables were taken away."""
    from orchestration.access import roles
    from orchestration.models import Pool
    from orchestration.services import pools

    if Pool._meta.db_table in connection.introspection.table_names():
        roles.after_migrate()
        pools.ensure_default()


def _begin_session(**about: Any) -> None:
    from orchestration.access import sessions

    sessions.begin(**about)


def _note_login(**about: Any) -> None:
    from orchestration.access import lockout

    lockout.note_login(**about)


def _note_failure(**about: Any) -> None:
    from orchestration.access import lockout

    lockout.note_failure(**about)
