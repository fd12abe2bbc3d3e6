"""What this machine calls itself."""

from __future__ import annotations

import socket
from functools import cache

from orchestration.conf import conf


@cache
def hostname() -> str:
    """The name kept with tries and jobs, by ``core.hostname_callable``."""
    if conf.get("core", "hostname_callable").rpartition(".")[2] == "gethostname":
        return socket.gethostname()
    return socket.getfqdn()
