"""What Airflow 2.10.5 asks of callers and gives to roles, as recorded from it (``reference_permissions.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "reference_permissions.json").read_text())

#: ``METHOD /path`` → {"pairs": [[action, resource], …], "allowed": [role, …]}.
OPERATIONS: dict[str, dict[str, Any]] = _RECORDED["operations"]
#: Role → [[action, resource], …].
ROLES: dict[str, list[list[str]]] = _RECORDED["roles"]
