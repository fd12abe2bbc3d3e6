"""The desk's own pages, a module for each subject."""

from __future__ import annotations

from orchestration.admin.pages import dag, dags, home, logs, runs, task_instances, trigger

#: Each has ``PAGES``: (address below the site, name, page).
PAGE_MODULES = (home, dags, dag, runs, task_instances, logs, trigger)
