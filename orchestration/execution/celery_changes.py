"""What an operator changes of a Celery worker that runs: its pool, its queues, its limits, its end.

Each change is one of Celery's own remote commands, said in words before it is sent. Celery's limit of a task's time is
kept by ``celery_worker``: a try's process is none of the worker's own, so Celery itself could not end it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestration.conf import conf
from orchestration.errors import Conflict, Invalid, Unavailable
from orchestration.execution import celery_control
from orchestration.execution.celery_control import RUN_TRY, Worker

#: Tries that a worker may be told to run at once, begin a minute, and seconds that it may be told to give a try.
LARGEST_POOL: Final = 1000
_MOST_A_MINUTE: Final = 100_000
_LONGEST_TRY: Final = 30 * 86400


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one worker that can be done. ``seen`` is what it changes, as it is now; ``told`` says it in words."""

    told: str
    seen: Any
    command: str
    arguments: Mapping[str, Any]
    #: A worker that ends does not answer.
    is_answered: bool = True


def change(name: str, verb: str, value: Any, *, seen: Any = None, dry_run: bool = False) -> Change:
    """Change a worker that runs; it keeps the change until it ends.

    ``verb``: ``resize`` (to tries at once), ``consume`` and ``leave`` (a queue), ``rate`` (tries a minute), ``limit``
    (seconds a try) where 0 is no limit, ``stop`` (no value). ``seen`` is what the dry run gave: raises Conflict when
    that has changed meanwhile. Raises Invalid, NotFound for a worker that does not answer, and Unavailable.
    """
    make = _CHANGES.get(verb)
    if make is None:
        raise Invalid(f"verb must be one of {', '.join(_CHANGES)}.")
    if not celery_control.is_used():
        raise Invalid("No executor of this installation is Celery's: there is no worker to change.")
    now = celery_control.worker(name)
    asked = make(now, value)
    if dry_run:
        return asked
    if asked.seen != seen:
        raise Conflict(f"The worker {name!r} is not as it was when you looked: {asked.told} Look again.")
    answer = celery_control.tell(name, asked.command, asked.arguments, is_answered=asked.is_answered)
    if asked.is_answered and not (isinstance(answer, dict) and "ok" in answer):
        problem = answer.get("error") if isinstance(answer, dict) else None
        raise Unavailable(
            f"The worker {name!r} refused: {str(problem)[:200]}"
            if problem
            else f"The worker {name!r} did not say that it is done. Look at the list to see whether it is."
        )
    return asked


def _resize(now: Worker, value: Any) -> Change:
    size = _whole(value, "The number of tries at once", 1, LARGEST_POOL)
    if size == now.size:
        raise Invalid(f"{now.name} runs {_tries(size)} at once already. Give another number.")
    told = f"{now.name} runs {_tries(now.size)} at once; it will run {size}."
    if size < now.running:
        told += f" The {now.running} that run go on; no other begins before fewer than {size} run."
    by = size - now.size
    return Change(told, now.size, "pool_grow" if by > 0 else "pool_shrink", {"n": abs(by)})


def _consume(now: Worker, value: Any) -> Change:
    queue = _queue(value)
    if queue in now.queues:
        raise Invalid(f"{now.name} takes tries from {queue!r} already.")
    return Change(
        f"{now.name} will take tries from {queue!r}, too. A queue that is not there is made.",
        list(now.queues),
        "add_consumer",
        {"queue": queue, "exchange": queue, "exchange_type": "direct", "routing_key": queue},
    )


def _leave(now: Worker, value: Any) -> Change:
    queue = _queue(value)
    if queue not in now.queues:
        raise Invalid(
            f"{now.name} takes no tries from {queue!r}. It takes them from: {', '.join(now.queues) or 'none'}."
        )
    told = f"{now.name} will take no more tries from {queue!r}; those that it has go on."
    if len(now.queues) == 1:
        told += " It is the worker's only queue: it will take none at all."
    return Change(told, list(now.queues), "cancel_consumer", {"queue": queue})


def _rate(now: Worker, value: Any) -> Change:
    number = _whole(value, "The number of tries a minute", 0, _MOST_A_MINUTE)
    before = f"{_tries(now.per_minute)} a minute at most" if now.rate else "tries as they come"
    after = f"{number} a minute at most; others wait in the worker" if number else "them as they come"
    arguments = {"task_name": RUN_TRY, "rate_limit": f"{number}/m" if number else None}
    return Change(f"{now.name} begins {before}; it will begin {after}.", now.rate, "rate_limit", arguments)


def _limit(now: Worker, value: Any) -> Change:
    number = _whole(value, "The number of seconds a try", 0, _LONGEST_TRY)
    before = f"{now.name} ends tries after {now.limit:g} s" if now.limit else f"{now.name} lets tries take their time"
    grace = conf.getint("core", "killed_task_cleanup_time")
    after = (
        f"end them after {number} s, those that run now, too. Their processes get SIGTERM, and SIGKILL {grace} s "
        "later; such a try fails, and its task is tried again where it has retries left"
        if number
        else "let them take their time, but for their own execution_timeout"
    )
    arguments = {"task_name": RUN_TRY, "hard": number or None, "soft": None}
    return Change(f"{before}; it will {after}.", now.limit, "time_limit", arguments)


def _stop(now: Worker, value: Any) -> Change:
    waits = f"{_tries(now.running)} on it will go on to the end first" if now.running else "nothing runs on it"
    return Change(
        f"{now.name} will take no more tries and end; {waits}. Nothing here starts it again: what started it does.",
        now.pid,
        "shutdown",
        {},
        is_answered=False,
    )


_CHANGES: Final[Mapping[str, Callable[[Worker, Any], Change]]] = {
    "resize": _resize,
    "consume": _consume,
    "leave": _leave,
    "rate": _rate,
    "limit": _limit,
    "stop": _stop,
}


def _tries(number: int) -> str:
    return f"{number} {'try' if number == 1 else 'tries'}"


def _whole(value: Any, what: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(f"{what} must be a whole number from {least} to {most:,}.")
    return value


def _queue(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^\s,\x00-\x1f\x7f]{1,250}", value) or value.startswith("amq."):
        raise Invalid("A queue's name has 1 to 250 characters without spaces and commas, and does not begin with amq.")
    return value
