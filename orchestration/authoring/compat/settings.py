"""Facts of the installation. Mirrors ``airflow.settings``."""

from __future__ import annotations

import json as json
from typing import Any

from orchestration.authoring import timezone
from orchestration.authoring.compat.session import Session as Session
from orchestration.authoring.state import State
from orchestration.conf import conf

SIMPLE_LOG_FORMAT = "%(asctime)s %(levelname)s - %(message)s"
STATE_COLORS = {state.value: colour for state, colour in State.state_color.items() if state is not None}
#: Tasks have no database engine.
engine: Any = None


def __getattr__(name: str) -> Any:
    if name == "AIRFLOW_HOME":
        return str(conf.home)
    if name == "DAGS_FOLDER":
        return str(conf.path("core", "dags_folder"))
    if name == "PLUGINS_FOLDER":
        return str(conf.path("core", "plugins_folder"))
    if name == "LOGGING_LEVEL":
        return conf.get("logging", "logging_level")
    if name == "TIMEZONE":
        return timezone.default_timezone()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
