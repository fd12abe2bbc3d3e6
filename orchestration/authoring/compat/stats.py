"""Metrics that tasks send. Mirrors ``airflow.stats``: to StatsD over UDP where ``metrics.statsd_on``, else nowhere."""

from __future__ import annotations

import contextlib
import socket
import time
from datetime import timedelta
from typing import Any

from orchestration.conf import conf


class Timer:
    """Measures a block and sends its milliseconds."""

    def __init__(self, stat: str | None = None) -> None:
        self.stat = stat
        self.duration = 0.0

    def __enter__(self) -> Timer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> Timer:
        """Begin."""
        self._started = time.perf_counter()
        return self

    def stop(self, send: bool = True) -> None:
        """End and send."""
        self.duration = (time.perf_counter() - self._started) * 1000
        if send and self.stat:
            Stats.timing(self.stat, self.duration)


class Stats:
    """Sends one number at a time; one that does not arrive is no error."""

    @classmethod
    def incr(cls, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:
        """Add to a counter."""
        cls._send(f"{stat}:{count}|c")

    @classmethod
    def decr(cls, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:
        """Take from a counter."""
        cls._send(f"{stat}:{-count}|c")

    @classmethod
    def gauge(cls, stat: str, value: float, rate: float = 1, delta: bool = False, *, tags: Any = None) -> None:
        """Set a gauge, or change it by the value."""
        cls._send(f"{stat}:{'+' if delta and value >= 0 else ''}{value}|g")

    @classmethod
    def timing(cls, stat: str, dt: float | timedelta, *, tags: Any = None) -> None:
        """Send a duration, a number of milliseconds."""
        milliseconds = dt.total_seconds() * 1000 if isinstance(dt, timedelta) else dt
        cls._send(f"{stat}:{milliseconds}|ms")

    @classmethod
    def timer(cls, stat: str | None = None, *args: Any, tags: Any = None, **kwargs: Any) -> Timer:
        """A timer for a block."""
        return Timer(stat)

    @staticmethod
    def _send(line: str) -> None:
        if not conf.getboolean("metrics", "statsd_on"):
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            place = (conf.get("metrics", "statsd_host"), conf.getint("metrics", "statsd_port"))
            udp.sendto(f"{conf.get('metrics', 'statsd_prefix')}.{line}".encode(), place)
