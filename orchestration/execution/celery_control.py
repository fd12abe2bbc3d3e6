"""Celery workers from afar: who is there, how busy each is, and the way to tell one something.

This speaks Celery's remote control (the commands that ``app.control`` and Flower send) over kombu's mailbox, with a
connection of its own for each question: a web process needs neither Celery's application nor a connection that stays.
Nobody waits for a broker: each question has a thread, and who asked gets ``Unavailable`` when it takes too long.
What a worker answers came over the broker, where others may write: it is checked, and what is no answer is left out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from orchestration.conf import conf
from orchestration.errors import NotFound, Unavailable

log = logging.getLogger(__name__)

#: The name of the one task, and of the command that has workers describe themselves (``celery_worker``).
RUN_TRY: Final = "airflowsite.run_try"
DESCRIBE: Final = "airflowsite_worker"
#: Seconds to connect to the broker; to wait for the next answer; and for all of it.
CONNECT_WITHIN: Final = 0.5
ANSWER_WITHIN: Final = 0.7
DEADLINE: Final = 1.5
#: Seconds for which an answer of all workers is shown again: many browsers may look at once.
KEPT: Final = 2.0
#: Workers that are shown, and characters of a name that are.
MOST: Final = 200
_LONGEST_NAME: Final = 256

T = TypeVar("T")


def is_used() -> bool:
    """Whether an executor of this installation is Celery's."""
    names = conf.get("core", "executor").split(",")
    return any(name.strip().rpartition(".")[2] == "CeleryExecutor" for name in names)


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker says of itself. ``name`` is Celery's, ``host`` the one kept with tries.

    ``size``: tries that it runs at once; ``rate``: how many it begins, as Celery writes it (``10/m``), "" for no limit;
    ``limit``: seconds after which it ends a try, 0 for never; ``up``: seconds since it was started.
    """

    name: str
    host: str
    pid: int
    size: int
    running: int
    queues: tuple[str, ...]
    rate: str
    limit: float
    up: float

    @property
    def share(self) -> int:
        """Percent of the pool in use."""
        return min(100, round(100 * self.running / self.size)) if self.size else 0

    @property
    def per_minute(self) -> int:
        """The rate as tries a minute; 0 for no limit."""
        number, _, unit = self.rate.partition("/")
        try:
            return round(float(number) * {"m": 1, "h": 1 / 60}.get(unit, 60)) if number else 0
        except ValueError:
            return 0

    @classmethod
    def of(cls, name: object, said: object) -> Worker | None:
        """The worker of an answer; None for one that no worker of ours gives."""
        if not isinstance(name, str) or not isinstance(said, dict):
            return None
        try:
            worker = cls(
                name=name[:_LONGEST_NAME],
                host=str(said["host"])[:_LONGEST_NAME],
                pid=int(said["pid"]),
                size=int(said["size"]),
                running=int(said["running"]),
                queues=tuple(sorted(str(queue)[:_LONGEST_NAME] for queue in said["queues"])),
                rate=str(said["rate"] or "")[:32],
                limit=float(said["limit"] or 0),
                up=float(said["up"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        is_sane = worker.running >= 0 and worker.size > 0 and 0 <= worker.up < 1e10 and 0 <= worker.limit < 1e10
        return worker if is_sane else None


# Asking


class _Looks:
    """The last look at all workers: one question at a time, whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self._answer: Future[list[Worker]] | None = None

    def look(self) -> list[Worker]:
        with self._lock:
            answer = self._answer
            if answer is None or (answer.done() and time.monotonic() - self._asked_at > KEPT):
                answer = self._answer = _begin(_ask_all)
                self._asked_at = time.monotonic()
        return _wait(answer)

    def forget(self) -> None:
        """Ask again next time: something was changed."""
        with self._lock:
            if self._answer is not None and self._answer.done():
                self._answer = None


_looks = _Looks()
forget = _looks.forget


def workers() -> list[Worker]:
    """All workers that answer, by name; as of at most ``KEPT`` seconds ago. Raises Unavailable within ``DEADLINE``."""
    return _looks.look()


def worker(name: str) -> Worker:
    """One worker as it is now. Raises NotFound when it does not answer, Unavailable without a broker."""
    said = _within_deadline(lambda: _ask(DESCRIBE, name)).get(name)
    found = Worker.of(name, said)
    if found is None:
        raise NotFound(f"The worker {name!r} does not answer. It may have stopped; look at the list again.")
    return found


def tell(name: str, command: str, arguments: Mapping[str, Any], *, is_answered: bool = True) -> Any:
    """Give one worker a command of Celery's; its answer, None where it gave none. Raises Unavailable.

    What ``workers`` told before is forgotten.
    """
    said = _within_deadline(lambda: _ask(command, name, is_answered=is_answered, **arguments))
    forget()
    return said.get(name)


def _ask_all() -> list[Worker]:
    found = [Worker.of(name, said) for name, said in _ask(DESCRIBE).items()]
    return sorted((each for each in found if each is not None), key=lambda each: each.name)[:MOST]


def _ask(command: str, name: str | None = None, /, *, is_answered: bool = True, **arguments: Any) -> Mapping[str, Any]:
    """What each worker answers, by its name; of one worker where a name is given. Takes the broker's time."""
    from kombu.connection import Connection  # neither is loaded where no Celery executor is used
    from kombu.pidbox import Mailbox

    url = conf.get("celery", "broker_url")
    options: dict[str, float] = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if url.startswith(("redis", "sentinel", "unix")):
        options |= {"socket_connect_timeout": CONNECT_WITHIN, "socket_timeout": DEADLINE}
    link: Any = Connection(url, connect_timeout=CONNECT_WITHIN, transport_options=options)  # type: ignore[no-untyped-call]  # as kombu is
    with link:
        bound = {"connection": link, "accept": ["json"], "serializer": "json"}
        mailbox: Any = Mailbox(exchange_name(), type="fanout", **bound)  # type: ignore[no-untyped-call]  # as kombu is
        if not is_answered:
            mailbox.cast([name], command, arguments)
            return {}
        if name is not None:
            answers = mailbox.call([name], command, arguments, timeout=ANSWER_WITHIN)
        else:
            answers = mailbox.multi_call(command, arguments, timeout=ANSWER_WITHIN)
    return {name: said for answer in answers if isinstance(answer, dict) for name, said in answer.items()}


def exchange_name() -> str:
    """The exchange of the remote control: this application's own, so that others' workers hear nothing of it."""
    return f"{conf.get('celery', 'celery_app_name')}-control"


def _within_deadline(ask: Callable[[], T]) -> T:
    return _wait(_begin(ask))


def _begin(ask: Callable[[], T]) -> Future[T]:
    """Ask in a thread, that ends by itself when the sockets' own limits are over."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # of the broker's library, whichever it is
            answer.set_exception(error)

    threading.Thread(target=run, name="celery-control", daemon=True).start()
    return answer


def _wait(answer: Future[T]) -> T:
    rest = "so nothing is known of the workers. Check that it runs, and [celery] broker_url."
    try:
        return answer.result(DEADLINE)
    except TimeoutError as error:
        raise Unavailable(f"The broker did not answer within {DEADLINE} s, {rest}") from error
    except ImportError as error:
        raise Unavailable(
            "Celery, or its library for this broker, is not installed here, so no worker can be asked. "
            "Install it with: pip install celery[redis]"
        ) from error
    except Exception as error:
        log.info("The broker cannot be asked: %r", error)
        kind = type(error.__cause__ or error).__name__
        raise Unavailable(f"The broker cannot be reached ({kind}), {rest}") from error
