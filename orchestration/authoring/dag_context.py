"""The DAGs whose ``with`` blocks are open while a DAG file is read."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from orchestration.authoring.dag import DAG


class DagContext:
    """The DAGs whose ``with`` blocks are open, and those that were used in one."""

    _open: deque[DAG | None] = deque()
    #: What a module made in ``with`` blocks, while ``current_autoregister_module_name`` is set.
    autoregistered_dags: set[tuple[DAG, ModuleType]] = set()
    current_autoregister_module_name: str | None = None

    @classmethod
    def push_context_managed_dag(cls, dag: DAG | None) -> None:
        """Enter a DAG's block."""
        cls._open.appendleft(dag)

    @classmethod
    def pop_context_managed_dag(cls) -> DAG | None:
        """Leave the innermost block."""
        left = cls._open.popleft()
        if cls.current_autoregister_module_name is not None and left and left.auto_register:
            cls.autoregistered_dags.add((left, sys.modules[cls.current_autoregister_module_name]))
        return left

    @classmethod
    def get_current_dag(cls) -> DAG | None:
        """The innermost DAG."""
        return cls._open[0] if cls._open else None
