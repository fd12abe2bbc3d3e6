"""The version whose interfaces this system has. Mirrors ``airflow.version``."""

from __future__ import annotations

version = "2.10.5"
__version__ = version
