"""The desk's own pages, a module for each subject."""

from __future__ import annotations

from orchestration.admin.pages import (
    account,
    badge,
    bulk,
    channel_test,
    cluster,
    connection_test,
    dag,
    dag_data,
    dag_verbs,
    dags,
    datasets,
    dependencies,
    home,
    logs,
    names,
    runs,
    system,
    task_instances,
    timeline,
    transfer,
    trigger,
    workers,
)

#: Beside DAGs and their runs.
OTHERS = (datasets, dependencies, cluster, workers, transfer, connection_test, channel_test, system, account)
#: Each has ``PAGES``: (address below the site, name, page).
PAGE_MODULES = (
    home,
    dags,
    dag,
    dag_data,
    dag_verbs,
    runs,
    task_instances,
    logs,
    trigger,
    badge,
    bulk,
    names,
    timeline,
    *OTHERS,
)
