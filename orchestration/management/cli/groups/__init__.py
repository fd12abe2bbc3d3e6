"""The declarations, a module per noun."""

from orchestration.management.cli.groups import (
    config,
    connections,
    dags,
    db,
    jobs,
    pools,
    providers,
    roles,
    system,
    tasks,
    users,
    variables,
)
from orchestration.management.cli.tree import Entry

#: What stands at the first level, in no order.
ENTRIES: tuple[Entry, ...] = (
    config.GROUP,
    connections.GROUP,
    dags.GROUP,
    db.GROUP,
    jobs.GROUP,
    pools.GROUP,
    providers.GROUP,
    roles.GROUP,
    tasks.GROUP,
    users.GROUP,
    variables.GROUP,
    *system.ENTRIES,
)
