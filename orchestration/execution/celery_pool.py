"""The pool of a Celery worker: threads that wait while the supervisor has tries run, as many as an operator wants."""

from __future__ import annotations

from celery.concurrency.thread import TaskPool


class Threads(TaskPool):  # type: ignore[misc]  # Celery is untyped
    """Celery's own pool of threads, which can grow and shrink, too.

    A worker takes no more messages from the broker than it has threads (its prefetch count follows the pool's size), so
    threads that are too many after shrinking stay idle, and a try that they run goes on.
    """

    def grow(self, n: int = 1) -> None:
        """Run ``n`` tries more at once."""
        self._resize(self.limit + n)

    def shrink(self, n: int = 1) -> None:
        """Run ``n`` tries fewer at once, at least one."""
        self._resize(max(self.limit - n, 1))

    def _resize(self, size: int) -> None:
        self.limit = size
        self.executor._max_workers = size  # read at each submit, and without a public name
