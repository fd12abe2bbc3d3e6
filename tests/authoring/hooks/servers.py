"""Small servers on this machine: HTTP that answers from a table, SMTP that keeps what it gets."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def http_server(answers: dict[str, Any]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Path → (status, headers, body), or a list of such of which the last one repeats. Yields port and calls."""
    calls: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path, _, query = self.path.partition("?")
            calls.append(
                {"method": self.command, "path": path, "query": query, "headers": dict(self.headers), "body": body}
            )
            known = answers.get(path, (404, {}, "nothing here"))
            status, headers, text = (known.pop(0) if len(known) > 1 else known[0]) if isinstance(known, list) else known
            content = (text if isinstance(text, str) else json.dumps(text)).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

        def log_message(self, *args: Any) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, calls


@contextmanager
def smtp_server(*, hang_up: int = 0) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yields port and mails; the first ``hang_up`` connections are closed at once."""
    mails: list[dict[str, Any]] = []
    left = [hang_up]

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            if left[0] > 0:
                left[0] -= 1
                return
            self.say("220 test")
            mail: dict[str, Any] = {"to": []}
            for raw in self.rfile:
                line = raw.decode().strip()
                verb = line[:4].upper()
                if verb in {"EHLO", "HELO"}:
                    self.say("250-test")
                    self.say("250 AUTH PLAIN")
                elif verb == "AUTH":
                    mail["auth"] = line
                    self.say("235 ok")
                elif verb == "MAIL":
                    mail["from"] = line[10:].split(">")[0].lstrip("<")
                    self.say("250 ok")
                elif verb == "RCPT":
                    mail["to"].append(line[8:].split(">")[0].lstrip("<"))
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    lines = []
                    while (data := self.rfile.readline().decode()) not in {".\r\n", ""}:
                        lines.append(data)
                    mails.append({**mail, "text": "".join(lines)})
                    mail = {"to": []}
                    self.say("250 ok")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with _serving(Server(("127.0.0.1", 0), Handler)) as port:
        yield port, mails


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
