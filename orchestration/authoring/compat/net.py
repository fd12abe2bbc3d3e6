"""This machine's name. Mirrors ``airflow.utils.net``."""

from __future__ import annotations

import socket


def getfqdn(name: str = "") -> str:
    """The full name of a host."""
    return socket.getfqdn(name)


def get_hostname() -> str:
    """This machine's full name."""
    return socket.getfqdn()


def get_host_ip_address() -> str:
    """This machine's address."""
    return socket.gethostbyname(get_hostname())
