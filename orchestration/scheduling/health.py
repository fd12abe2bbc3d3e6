"""A small page that says whether this machine's scheduler lives: ``GET /health`` answers 200 or 503, for probes."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from orchestration.models.job import Job, health_threshold
from orchestration.states import JobState

log = logging.getLogger(__name__)


def is_alive(job_id: int) -> bool:
    """Whether the job's heartbeat is fresh, by the database's clock; False while the database is away."""
    try:
        jobs = Job.objects.filter(pk=job_id, state=JobState.RUNNING, latest_heartbeat__gte=Now() - health_threshold())
        return jobs.exists()
    except (DatabaseError, InterfaceError):
        return False
    finally:
        connection.close()  # each request has a thread, and with it a connection, of its own


class HealthServer(ThreadingHTTPServer):
    """Serves in a thread from ``start`` to ``stop``; ``follow`` names the job whose life is told."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("0.0.0.0", port), _Handler)  # noqa: S104 probes come from other hosts; nothing is told but life
        self.job_id: int | None = None

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()
        log.info("Health is served on port %s", self.server_address[1])

    def follow(self, job_id: int) -> None:
        """The scheduler has its job."""
        self.job_id = job_id

    def stop(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = 5
    server: HealthServer

    def do_GET(self) -> None:
        """Answer ``/health``; anything else is not found."""
        if self.path != "/health":
            self.send_error(404)
        elif self.server.job_id is not None and is_alive(self.server.job_id):
            self.send_response(200)
            self.end_headers()
        else:
            self.send_error(503)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not logged."""
