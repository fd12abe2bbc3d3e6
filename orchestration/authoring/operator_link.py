"""Links that a task shows beside its instances. Mirrors ``airflow.models.baseoperatorlink``."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator


class BaseOperatorLink(ABC):
    """A named link; ``get_link`` is asked in a task process, never in the web server."""

    operators: ClassVar[list[Any]] = []

    @property
    @abstractmethod
    def name(self) -> str:
        """The text of the link."""

    @abstractmethod
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address for one task instance, of which ``ti_key`` is the key.

        A link of the old kind takes the run's logical date as its second argument.
        """


def link_of(task: AbstractOperator, ti: Any, link_name: str) -> str | None:
    """The address of a task's link for a task instance; None when the task has no link of that name."""
    link = task.operator_extra_link_dict.get(link_name)
    if link is None:
        return None
    parameters = inspect.signature(link.get_link).parameters
    takes_key = any(parameter.name == "ti_key" for parameter in parameters.values())
    address = link.get_link(task, ti_key=ti.key) if takes_key else link.get_link(task, ti.execution_date)
    return None if address is None else str(address)
