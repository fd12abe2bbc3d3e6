"""Task logs of another machine: a small server beside a worker, and what asks it.

A request is signed with ``webserver.secret_key``, which all machines share, names one file below the log folder, and is
good for a short time. By default the server listens on this machine only.
"""

from __future__ import annotations

import json
import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from django.core.signing import BadSignature, TimestampSigner

from orchestration.conf import conf
from orchestration.errors import Invalid, Unavailable
from orchestration.execution.logs import Cursor, read_try

log = logging.getLogger(__name__)

_SALT = "orchestration.log_server"
#: Seconds for which a signed request is good.
MAX_AGE = 60
#: Seconds to wait for a worker's answer.
TIMEOUT = 10


class LogServer:
    """Serves the logs of this machine from a thread."""

    def __init__(self, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="log-server", daemon=True)

    @classmethod
    def of_worker(cls) -> LogServer:
        """At the address of the options ``logging.worker_log_server_host`` and ``…_port``."""
        return cls(conf.get("logging", "worker_log_server_host"), conf.getint("logging", "worker_log_server_port"))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def fetch(
    host: str, path: Path, cursor: Cursor | None = None, *, port: int | None = None
) -> tuple[bytes, Cursor, bool]:
    """As ``logs.read_try``, of a worker's machine. Raises Unavailable where it does not answer."""
    relative = path.relative_to(conf.path("logging", "base_log_folder"))
    token = _signer().sign_object({"path": str(relative), "cursor": (cursor or Cursor()).as_json()})
    port = conf.getint("logging", "worker_log_server_port") if port is None else port
    try:
        with urlopen(f"http://{host}:{port}/log?token={token}", timeout=TIMEOUT) as answer:
            after = Cursor.from_json(json.loads(answer.headers["X-Cursor"]))
            return answer.read(), after, answer.headers["X-End"] == "1"
    except HTTPError as error:
        raise Unavailable(f"The worker {host} refused to give the log: {error.code} {error.reason}.") from error
    except (URLError, OSError, ValueError, TypeError) as error:
        raise Unavailable(f"The worker {host} does not answer on port {port}: {error}.") from error


class _Handler(BaseHTTPRequestHandler):
    """Answers ``/log?token=…``."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        token = parse_qs(parts.query).get("token", [""])[0]
        if parts.path != "/log":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            wanted = _signer().unsign_object(token, max_age=MAX_AGE)
            path, cursor = _inside(wanted["path"]), Cursor.from_json(wanted["cursor"])
        except (BadSignature, Invalid, KeyError, TypeError):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        data, after, is_end = read_try(path, cursor)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Cursor", json.dumps(after.as_json()))
        self.send_header("X-End", "1" if is_end else "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def _inside(relative: str) -> Path:
    """The file below the log folder; Invalid for any other."""
    folder = conf.path("logging", "base_log_folder").resolve()
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder):
        raise Invalid("This is no log.")
    return path


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=_SALT)
