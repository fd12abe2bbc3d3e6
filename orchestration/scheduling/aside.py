"""DAGs that cannot be scheduled now: put aside with the reason shown, and tried again later. The loop goes on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Q

from orchestration.models.dag import Dag

log = logging.getLogger(__name__)

#: After so long a DAG that was put aside is tried again.
PAUSE = timedelta(seconds=60)


def not_aside(now: datetime, prefix: str = "") -> Q:
    """The condition that a DAG is not put aside; ``prefix`` leads to the DAG (``dag__``)."""
    return Q(**{f"{prefix}put_aside_until": None}) | Q(**{f"{prefix}put_aside_until__lte": now})


def put_aside(reasons: Mapping[str, BaseException | str], *, now: datetime) -> None:
    """Leave DAGs out for a while, by dag_id; one UPDATE for each."""
    for dag_id, reason in reasons.items():
        text = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
        error = reason if isinstance(reason, BaseException) else None
        log.error("DAG %s is put aside until %s: %s", dag_id, now + PAUSE, text, exc_info=error)
        Dag.objects.filter(pk=dag_id).update(put_aside_reason=text[:10_000], put_aside_until=now + PAUSE)


def take_back(dag_ids: Iterable[str]) -> None:
    """These DAGs were scheduled again without trouble."""
    wanted: Collection[str] = list(dag_ids)
    if wanted:
        Dag.objects.filter(pk__in=wanted).update(put_aside_reason="", put_aside_until=None)
