"""Names of the standard library that Airflow's modules happen to have, and that DAG files import from there."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["datetime", "timedelta"]
