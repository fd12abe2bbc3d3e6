"""The desk's own pages, a module for each subject."""

from __future__ import annotations

from orchestration.admin.pages import (
    bulk,
    dag,
    dag_data,
    dag_verbs,
    dags,
    home,
    logs,
    runs,
    task_instances,
    trigger,
)

#: Each has ``PAGES``: (address below the site, name, page).
PAGE_MODULES = (home, dags, dag, dag_data, dag_verbs, runs, task_instances, logs, trigger, bulk)
