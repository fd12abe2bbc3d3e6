"""What all sensors share. Mirrors ``airflow.sensors.base``."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from orchestration.authoring import timezone
from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferralError,
)
from orchestration.authoring.operators.skipmixin import SkipMixin
from orchestration.conf import conf

#: Seconds, or a duration.
Duration = timedelta | float

#: Seconds a sensor waits if it does not say.
DEFAULT_TIMEOUT = conf.getfloat("sensors", "default_timeout")

S = TypeVar("S", bound=type)


class PokeReturnValue:
    """What a poke may return: whether the sensor is done, and the task's result then."""

    def __init__(self, is_done: bool, xcom_value: Any | None = None) -> None:
        self.is_done = is_done
        self.xcom_value = xcom_value

    def __bool__(self) -> bool:
        return self.is_done


class BaseSensorOperator(BaseOperator, SkipMixin):
    """Pokes until something is there; subclasses write ``poke``.

    ``mode`` is ``poke`` (keeps its process and sleeps ``poke_interval``) or ``reschedule`` (ends, and is run again).
    ``timeout`` counts from the first poke, whatever the mode. ``soft_fail`` skips instead of failing at a timeout,
    ``never_fail`` at any error; ``silent_fail`` logs an error of a poke and goes on. With ``exponential_backoff`` the
    intervals grow, up to ``max_wait``.
    """

    ui_color = "#e6f1f2"
    valid_modes: Iterable[str] = ("poke", "reschedule")
    is_sensor: ClassVar[bool] = True
    mode: Any

    def __init__(
        self,
        *,
        poke_interval: Duration = 60,
        timeout: Duration = DEFAULT_TIMEOUT,
        soft_fail: bool = False,
        mode: str = "poke",
        exponential_backoff: bool = False,
        max_wait: Duration | None = None,
        silent_fail: bool = False,
        never_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if soft_fail is True and never_fail is True:
            raise ValueError("never_fail skips at any error, also where soft_fail would: give one of the two")
        self.soft_fail, self.never_fail, self.silent_fail = soft_fail, never_fail, silent_fail
        self.timeout = _duration("timeout", timeout).total_seconds()
        self.poke_interval = _duration("poke_interval", poke_interval).total_seconds()
        self.max_wait = None if max_wait is None else _duration("max_wait", max_wait)
        self.exponential_backoff = exponential_backoff
        self.mode = mode
        self._validate_input_values()

    def _validate_input_values(self) -> None:
        for name in ("poke_interval", "timeout"):
            if getattr(self, name) < 0:
                raise AirflowException(
                    f"{name} of sensor {self.task_id!r} is 0 seconds or more, not {getattr(self, name)}"
                )
        if self.mode not in self.valid_modes:
            raise AirflowException(
                f"mode of sensor {self.task_id!r} is {' or '.join(self.valid_modes)}, not {self.mode!r}"
            )

    @property
    def reschedule(self) -> bool:
        """Whether the sensor gives its process back between pokes."""
        return bool(self.mode == "reschedule")

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once."""
        raise AirflowException(f"{type(self).__name__} has no poke() of its own: write one that looks for its thing")

    def execute(self, context: Context) -> Any:
        """Poke until the sensor is done, its time is over, or it gives its process back."""
        started_at, elapsed = self._clock(context)
        poke_count = 1
        while not (answer := self._poke_once(context)):
            if (seconds := elapsed()) > self.timeout:
                message = f"The wait is over: {seconds:.3g} seconds went by, and timeout is {self.timeout} seconds"
                raise AirflowSkipException(message) if self.soft_fail else AirflowSensorTimeout(message)
            wait = self._get_next_poke_interval(started_at, elapsed, poke_count)
            if self.reschedule:
                raise AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=wait))
            time.sleep(wait)
            poke_count += 1
        self.log.info("What was waited for is there")
        return answer.xcom_value if isinstance(answer, PokeReturnValue) else None

    def _clock(self, context: Context) -> tuple[datetime | float, Callable[[], float]]:
        """When waiting began, and what tells the seconds since; in reschedule mode over all processes of the try."""
        if not self.reschedule:
            started = time.monotonic()
            return started, lambda: time.monotonic() - started
        first = timezone.coerce_datetime(context["ti"].first_start_date) or timezone.utcnow()
        return first, lambda: (timezone.utcnow() - first).total_seconds()

    def _poke_once(self, context: Context) -> bool | PokeReturnValue:
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except (AirflowSensorTimeout, AirflowTaskTimeout, AirflowFailException) as error:
            if self.soft_fail or self.never_fail:
                raise self._skip(error) from error
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.error("Looking failed, and will be tried again:\n%s", traceback.format_exc())
                return False
            if self.never_fail:
                raise self._skip(error) from error
            raise

    def _skip(self, error: BaseException) -> AirflowSkipException:
        setting = "soft_fail" if self.soft_fail else "never_fail"
        return AirflowSkipException(f"{setting} skips the sensor instead of failing it: {error}")

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the wait of a deferred sensor; errors skip where ``soft_fail``."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (AirflowException, TaskDeferralError) as error:
            if self.soft_fail:
                raise AirflowSkipException(str(error)) from error
            raise

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Seconds until the next poke: the interval, or twice the one before with some jitter."""
        if not self.exponential_backoff:
            return self.poke_interval
        if self.reschedule:
            # The count is not kept between processes: it is found from the time that went by.
            passed, poke_count, elapsed = 0.0, 0, run_duration()
            while passed <= elapsed:
                poke_count += 1
                passed += self._backoff(started_at, poke_count)
        interval = min(self.timeout - int(run_duration()), self._backoff(started_at, poke_count))
        if self.max_wait:
            interval = min(self.max_wait.total_seconds(), interval)
        self.log.info("The next look is in %s seconds", max(interval, 0.0))
        return max(interval, 0.0)

    def _backoff(self, started_at: datetime | float, poke_count: int) -> float:
        smallest = max(int(self.poke_interval * 2.0 ** (poke_count - 2)), 1)
        seed = f"{self.dag_id}#{self.task_id}#{started_at}#{poke_count}".encode()
        jitter = int(hashlib.sha1(seed, usedforsecurity=False).hexdigest(), 16) % smallest
        return min(float(smallest + jitter), timedelta.max.total_seconds() - 1)


def poke_mode_only(cls: S) -> S:
    """Decorates a sensor class whose mode is always ``poke``; another mode is a ValueError."""
    if not issubclass(cls, BaseSensorOperator):
        raise ValueError(f"poke_mode_only is for sensor classes, and {cls.__name__} is none")

    def get(_: Any) -> str:
        return "poke"

    def refuse_others(_: Any, value: str) -> None:
        if value != "poke":
            raise ValueError(f"This sensor keeps its process: its mode is 'poke', not {value!r}")

    cls.mode = property(get, refuse_others)
    return cls


def _duration(name: str, value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and value >= 0:
        return timedelta(seconds=value)
    raise AirflowException(f"{name} is a timedelta, or seconds from 0 up, not {value!r}")
