"""The web server: gunicorn around the WSGI application, set up from Airflow's options."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.db import connections
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication

from airflowsite.orderly import forget
from airflowsite.serving import live_as
from airflowsite.web_worker import Worker
from orchestration.conf import conf

#: New objects after which the collector looks at them, and its rounds until it looks at older ones. An answer of a
#: hundred rows makes thousands of objects, none in a cycle: Python's 700 would look several times for each answer.
_COLLECT_AFTER: Final = (10_000, 20, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How to serve. ``host`` and ``port`` say where, ``workers`` processes of ``threads`` threads each."""

    host: str
    port: int
    workers: int
    threads: int
    timeout_seconds: int
    certificate: str = ""
    key: str = ""
    access_log: str | None = None
    pid_file: str | None = None
    daemon: bool = False

    @classmethod
    def configured(cls) -> WebOptions:
        """What the configuration says."""
        return cls(
            host=conf.get("webserver", "web_server_host"),
            port=conf.getint("webserver", "web_server_port"),
            workers=conf.getint("webserver", "workers"),
            threads=conf.getint("webserver", "worker_threads"),
            timeout_seconds=conf.getint("webserver", "web_server_worker_timeout"),
            certificate=conf.get("webserver", "web_server_ssl_cert"),
            key=conf.get("webserver", "web_server_ssl_key"),
        )

    @property
    def address(self) -> str:
        """The address a person on this machine types."""
        scheme = "https" if self.certificate else "http"
        host = "localhost" if self.host in {"0.0.0.0", "::", "127.0.0.1", "::1"} else self.host  # noqa: S104 compared, not bound
        return f"{scheme}://{host}:{self.port}"


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's arbiter over the project's WSGI application, which is loaded once and shared by the workers."""

    def __init__(self, options: WebOptions) -> None:
        self.web_options = options
        super().__init__()

    def load_config(self) -> None:
        """Translate the options into gunicorn's."""
        options = self.web_options
        settings: dict[str, Any] = {
            "bind": f"[{options.host}]:{options.port}" if ":" in options.host else f"{options.host}:{options.port}",
            "workers": options.workers,
            "worker_class": Worker,
            "threads": options.threads,
            "timeout": options.timeout_seconds,
            "graceful_timeout": 10,
            "keepalive": 30,
            "preload_app": True,
            "proc_name": "airflowsite webserver",
            "loglevel": "warning",
            "accesslog": options.access_log,
            "pidfile": options.pid_file,
            "daemon": options.daemon,
            # A stuck client must not hold a worker, nor a long request line its memory.
            "limit_request_line": 8190,
            "limit_request_field_size": 16380,
            "forwarded_allow_ips": "*" if conf.getboolean("webserver", "enable_proxy_fix") else "127.0.0.1,::1",
            "post_fork": _close_inherited_connections,
            "post_worker_init": _let_waits_end_with,
            "child_exit": forget,
            "control_socket_disable": True,
        }
        if options.certificate:
            settings |= {"certfile": options.certificate, "keyfile": options.key}
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, loaded before the workers fork."""
        application = load_application()
        # What is loaded now stays: the collector need not look at it again, and the workers go on sharing its memory.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        return application


@cache
def load_application() -> Any:
    """The WSGI application with every view imported; it has answered once what needs neither login nor database.

    What is compiled and made at the first call is so shared by the processes that are forked from this one.
    """
    from airflowsite.wsgi import application

    get_resolver().url_patterns  # noqa: B018 imports every view
    host = next(iter(settings.ALLOWED_HOSTS), "localhost")
    for path in ("/api/v1/version", "/admin/login/"):
        environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": host, "wsgi.url_scheme": "https"}
        setup_testing_defaults(environ)
        answer = application(environ, _take_nothing)
        deque(answer, maxlen=0)
        answer.close()
    return application


def _take_nothing(_status: str, _headers: list[tuple[str, str]], _error: Any = None, /) -> Callable[[bytes], object]:
    """WSGI's ``start_response`` of an answer that nobody reads."""
    return len


def _close_inherited_connections(_server: Any, _worker: Any) -> None:
    connections.close_all()


def _let_waits_end_with(worker: Any) -> None:
    live_as(lambda: bool(worker.alive))


def serve(options: WebOptions) -> None:
    """Serve until a signal ends it."""
    WebServer(options).run()
