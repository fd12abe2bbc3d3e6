"""A time limit for a block. Mirrors ``airflow.utils.timeout``."""

from __future__ import annotations

import signal
from types import FrameType

from orchestration.authoring.exceptions import AirflowTaskTimeout
from orchestration.authoring.logging_mixin import LoggingMixin


class TimeoutPosix(LoggingMixin):
    """Raises AirflowTaskTimeout after ``seconds`` in the main thread."""

    def __init__(self, seconds: float = 1, error_message: str = "Timeout") -> None:
        super().__init__()
        self.seconds = seconds
        self.error_message = error_message

    def handle_timeout(self, signum: int, frame: FrameType | None) -> None:
        """End the block."""
        self.log.error("The block took more than %s seconds: %s", self.seconds, self.error_message)
        raise AirflowTaskTimeout(self.error_message)

    def __enter__(self) -> TimeoutPosix:
        self._before = signal.signal(signal.SIGALRM, self.handle_timeout)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        return self

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)


timeout = TimeoutPosix
