"""``@task`` and its kin, ``@task_group``, ``@dag``, ``@setup``, ``@teardown``. Mirrors ``airflow.decorators``.

An operator's module is imported when its decorator is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestration.authoring.dag_decorator import dag
from orchestration.authoring.decorators.base import TaskDecorator, task_decorator_factory
from orchestration.authoring.decorators.conditions import run_if, skip_if
from orchestration.authoring.decorators.task_group import task_group

__all__ = [
    "TaskDecorator",
    "TaskDecoratorCollection",
    "bash_task",
    "branch_external_python_task",
    "branch_task",
    "branch_virtualenv_task",
    "dag",
    "external_python_task",
    "python_task",
    "sensor_task",
    "setup",
    "short_circuit_task",
    "task",
    "task_group",
    "teardown",
    "virtualenv_task",
]

#: Decorators of Airflow's providers, which are not part of this system.
_PROVIDED_ELSEWHERE = {
    "docker": "apache-airflow-providers-docker",
    "kubernetes": "apache-airflow-providers-cncf-kubernetes",
    "kubernetes_cmd": "apache-airflow-providers-cncf-kubernetes",
    "pyspark": "apache-airflow-providers-apache-spark",
    "snowpark": "apache-airflow-providers-snowflake",
    "databricks": "apache-airflow-providers-databricks",
}


def python_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """A function as a task."""
    from orchestration.authoring.decorators.python import _PythonDecoratedOperator

    return task_decorator_factory(
        python_callable, multiple_outputs=multiple_outputs, decorated_operator_class=_PythonDecoratedOperator, **kwargs
    )


def virtualenv_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """A function as a task in a virtual environment of its own, with ``requirements``."""
    from orchestration.authoring.decorators.python_virtualenv import _PythonVirtualenvDecoratedOperator

    return task_decorator_factory(
        python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_PythonVirtualenvDecoratedOperator,
        **kwargs,
    )


def external_python_task(
    python: str | None = None,
    python_callable: Callable[..., Any] | None = None,
    multiple_outputs: bool | None = None,
    **kwargs: Any,
) -> Any:
    """A function as a task in the interpreter at the path ``python``."""
    from orchestration.authoring.decorators.external_python import _PythonExternalDecoratedOperator

    return task_decorator_factory(
        python_callable,
        python=python,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_PythonExternalDecoratedOperator,
        **kwargs,
    )


def branch_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """A function that returns the ids of the tasks to go on with."""
    from orchestration.authoring.decorators.branch_python import _BranchPythonDecoratedOperator

    return task_decorator_factory(
        python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_BranchPythonDecoratedOperator,
        **kwargs,
    )


def branch_virtualenv_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """As ``branch_task``, in a virtual environment."""
    from orchestration.authoring.decorators.branch_virtualenv import _BranchPythonVirtualenvDecoratedOperator

    return task_decorator_factory(
        python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_BranchPythonVirtualenvDecoratedOperator,
        **kwargs,
    )


def branch_external_python_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """As ``branch_task``, in another interpreter."""
    from orchestration.authoring.decorators.branch_external_python import _BranchExternalPythonDecoratedOperator

    return task_decorator_factory(
        python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_BranchExternalPythonDecoratedOperator,
        **kwargs,
    )


def short_circuit_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """A function whose false result skips what comes after."""
    from orchestration.authoring.decorators.short_circuit import _ShortCircuitDecoratedOperator

    return task_decorator_factory(
        python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_ShortCircuitDecoratedOperator,
        **kwargs,
    )


def sensor_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """A function that is called again until it returns something true, or a ``PokeReturnValue``."""
    from orchestration.authoring.decorators.sensor import DecoratedSensorOperator

    return task_decorator_factory(
        python_callable, multiple_outputs=False, decorated_operator_class=DecoratedSensorOperator, **kwargs
    )


def bash_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """A function that returns a Bash command, which is then run."""
    from orchestration.authoring.decorators.bash import _BashDecoratedOperator

    return task_decorator_factory(python_callable, decorated_operator_class=_BashDecoratedOperator, **kwargs)


class TaskDecoratorCollection:
    """The type of ``task``: ``@task``, ``@task.branch`` …"""

    __call__ = staticmethod(python_task)

    bash = staticmethod(bash_task)
    python = staticmethod(python_task)
    external_python = staticmethod(external_python_task)
    virtualenv = staticmethod(virtualenv_task)
    sensor = staticmethod(sensor_task)

    branch = staticmethod(branch_task)
    branch_external_python = staticmethod(branch_external_python_task)
    branch_virtualenv = staticmethod(branch_virtualenv_task)
    short_circuit = staticmethod(short_circuit_task)
    run_if = staticmethod(run_if)
    skip_if = staticmethod(skip_if)

    def __getattr__(self, name: str) -> Any:
        if name in _PROVIDED_ELSEWHERE:
            raise AttributeError(
                f"@task.{name} comes with {_PROVIDED_ELSEWHERE[name]}, which is not part of this system. "
                "Use @task, @task.virtualenv or @task.bash and call the tool from there."
            )
        raise AttributeError(f"There is no @task.{name}")


task = TaskDecoratorCollection()


def setup(func: Any) -> Any:
    """Mark a function or a ``@task`` as setup."""
    from orchestration.authoring.decorators.marks import setup_task

    return setup_task(func)


def teardown(_func: Any = None, *, on_failure_fail_dagrun: bool = False) -> Any:
    """Mark a function or a ``@task`` as teardown."""
    from orchestration.authoring.decorators.marks import teardown_task

    return teardown_task(_func, on_failure_fail_dagrun=on_failure_fail_dagrun)
