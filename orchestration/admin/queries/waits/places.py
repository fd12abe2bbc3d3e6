"""Places that are taken, and processes that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestration.admin.queries.expressions import Rare
from orchestration.admin.queries.waits.words import Wait
from orchestration.conf import conf
from orchestration.models import Dag, Job, Pool, TaskInstance
from orchestration.services import health
from orchestration.services import pools as pool_service
from orchestration.states import OCCUPIES_SLOT, JobType, TaskInstanceState
from orchestration.templatetags import desk


def pools(needs: Mapping[str, int]) -> dict[str, SafeString | str]:
    """By pool: why so many slots cannot be had of it, "" where they can; two queries."""
    found = {pool.name: pool for pool in Pool.objects.filter(name__in=list(needs))}
    use = pool_service.usage(found)
    return {
        name: _pool(found[name], need, use[name])
        if name in found
        else f"There is no pool {name}. Make it, or name another one in the DAG’s file."
        for name, need in needs.items()
    }


def _pool(pool: Pool, need: int, use: pool_service.Usage) -> SafeString | str:
    if pool.slots == pool_service.UNLIMITED or use.open(pool) >= max(need, 1):
        return ""
    if pool.slots == 0:
        return f"The pool {pool.name} has no slots, so nothing starts in it. Give it some."
    if need > pool.slots:
        return (
            f"The pool {pool.name} has {pool.slots} slots in all, and {need} are wanted at once. Raise the pool’s "
            "slots, or lower pool_slots in the DAG’s file."
        )
    query = {"pool": pool.name, "state__exact": TaskInstanceState.RUNNING.value}
    return format_html(
        "Of the {} slots of the pool {} {} are taken, and {} wanted. It starts when they are free. {}",
        pool.slots,
        pool.name,
        use.occupied(pool),
        "1 is" if need == 1 else f"{need} are",
        _see(query),
    )


def most_tasks(dag: Dag) -> SafeString:
    return format_html(
        "As many tasks of the DAG are at work as may be (max_active_tasks): {}. It starts when one ends. {}",
        dag.max_active_tasks,
        _see({"dag": dag.dag_id, "state__exact": TaskInstanceState.RUNNING.value}),
    )


def _see(query: Mapping[str, str]) -> SafeString:
    address = reverse("admin:orchestration_taskinstance_changelist")
    return format_html("<a href='{}?{}'>See what runs</a>", address, urlencode(query))


def parallelism(now: datetime) -> Iterator[Wait]:
    """Where the living schedulers have as many tries in hand as they may have; two queries."""
    each = conf.getint("core", "parallelism")
    schedulers = Job.objects.filter(job_type=JobType.SCHEDULER).alive(now).count()
    taken = TaskInstance.objects.filter(Rare(Q(state__in=OCCUPIES_SLOT))).count()
    if each and schedulers and taken >= each * schedulers:
        yield Wait(
            "Executor",
            f"The schedulers have as many tries in hand as they may: {taken} (core.parallelism is {each} for each "
            "scheduler). It is sent when one of them has ended.",
        )


def scheduler(found: health.Health) -> Iterator[Wait]:
    yield from _process("Scheduler", "scheduler", found.scheduler, "Nothing starts")


def triggerer(found: health.Health) -> Iterator[Wait]:
    yield from _process("Triggerer", "triggerer", found.triggerer, "No trigger fires")


def _process(name: str, command: str, process: health.Process, effect: str) -> Iterator[Wait]:
    """A sentence where no process of the kind is alive."""
    if process.status == health.HEALTHY:
        return
    since = process.latest_heartbeat
    begin = f"No {command} was ever started."
    if since is not None:
        begin = format_html("No {} is alive; the last sign of life was at {}.", command, desk.moment(since))
    yield Wait(name, format_html("{} {} until one runs: <code>airflowsite {}</code>", begin, effect, command))
