"""Tasks that call a function of the DAG file. Mirrors the first half of ``airflow.operators.python``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context, context_merge
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.operator_helpers import ExecutionCallableRunner, KeywordParameters
from orchestration.authoring.operators.branch import Branches, BranchMixIn
from orchestration.authoring.operators.skipmixin import SkipMixin
from orchestration.authoring.outlet_events import context_get_outlet_events


class PythonOperator(BaseOperator):
    """Calls ``python_callable`` with ``op_args``, ``op_kwargs`` and those values of the context that it names.

    ``templates_dict`` is rendered and given as the argument of that name; ``templates_exts`` are the endings of files
    that templated fields may name. A generator's yielded ``Metadata`` go to the outlets' events.
    """

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"templates_dict": "json", "op_args": "py", "op_kwargs": "py"}
    ui_color = "#ffefeb"
    # Arguments may be things that cannot be copied.
    shallow_copy_attrs: Sequence[str] = ("python_callable", "op_kwargs")

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: dict[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        show_return_value_in_logs: bool = True,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("provide_context"):  # Airflow 1: the context is always there now
            del kwargs["provide_context"]
        super().__init__(**kwargs)
        if not callable(python_callable):
            raise AirflowException(f"python_callable takes a function, not {python_callable!r}: leave out ()")
        self.python_callable, self.op_args, self.op_kwargs = python_callable, op_args or (), op_kwargs or {}
        self.template_ext = templates_exts or self.template_ext
        self.templates_dict = templates_dict
        self.show_return_value_in_logs = show_return_value_in_logs

    def execute(self, context: Context) -> Any:
        """Call the function; its result is the task's."""
        context_merge(context, self.op_kwargs, templates_dict=self.templates_dict)
        self.op_kwargs = self.determine_kwargs(context)
        self._dataset_events = context_get_outlet_events(context)
        result = self.execute_callable()
        log_result(self, result)
        return result

    def determine_kwargs(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those values of the context that the function takes."""
        return KeywordParameters.determine(self.python_callable, self.op_args, context).unpacking()

    def execute_callable(self) -> Any:
        """Call the function with the arguments found."""
        runner = ExecutionCallableRunner(self.python_callable, self._dataset_events, logger=self.log)
        return runner.run(*self.op_args, **self.op_kwargs)


def log_result(task: PythonOperator, result: Any) -> None:
    """Say that the function ended, and what it returned where the task may show it."""
    task.log.info("The function returned %s", result if task.show_return_value_in_logs else "a value, not shown")


class BranchPythonOperator(PythonOperator, BranchMixIn):
    """Follows the tasks or groups directly downstream whose ids the function returns, and skips the others."""

    def execute(self, context: Context) -> Branches:
        """Call the function and skip what it did not name."""
        return self.do_branch(context, super().execute(context))


class ShortCircuitOperator(PythonOperator, SkipMixin):
    """Skips what comes after it where the function's result is false.

    With ``ignore_downstream_trigger_rules`` everything downstream is skipped, otherwise what is directly downstream,
    and the trigger rules of the rest decide. Teardowns are not skipped.
    """

    def __init__(self, *, ignore_downstream_trigger_rules: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Context) -> Any:
        """Call the function; its result is the task's, whatever is skipped."""
        result = super().execute(context)
        if not result and self.downstream_task_ids:
            self.log.info("The result is false: what comes after is skipped")
            run, skipped = context["dag_run"], self._skipped(context["task"])
            self.skip(run, run.execution_date, skipped, map_index=context["ti"].map_index)
        return result

    def _skipped(self, task: Any) -> Iterator[Any]:
        after: Iterable[Any] = (
            task.get_flat_relatives(upstream=False)
            if self.ignore_downstream_trigger_rules is True
            else task.get_direct_relatives(upstream=False)
        )
        return (node for node in after if not node.is_teardown)
