"""Back ends and collectors of lineage, for code that names them. Mirrors ``airflow.lineage``; none is called here."""

from __future__ import annotations

from typing import Any


class LineageBackend:
    """The base of back ends, for code that derives from it; none is called."""

    def send_lineage(self, operator: Any, inlets: Any = None, outlets: Any = None, context: Any = None) -> None:
        """Send what a task read and wrote."""
        raise NotImplementedError


class NoOpCollector:
    """Takes what hooks say of their data, and forgets it."""

    def add_input_dataset(self, *args: Any, **kwargs: Any) -> None:
        """Forget it."""

    def add_output_dataset(self, *args: Any, **kwargs: Any) -> None:
        """Forget it."""


_collector = NoOpCollector()


def get_hook_lineage_collector() -> NoOpCollector:
    """The collector of this process."""
    return _collector
