"""Running SQL. Mirrors ``airflow.providers.common.sql.operators.sql``; the checks are in ``sql_checks``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException, AirflowFailException
from orchestration.authoring.hooks.sql import DbApiHook
from orchestration.authoring.hooks.sql_handlers import fetch_all_handler, return_single_query_results
from orchestration.authoring.hooks_base import BaseHook
from orchestration.authoring.operators.skipmixin import SkipMixin

_TRUE_TEXTS = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE_TEXTS = frozenset({"n", "no", "f", "false", "off", "0"})


def parse_boolean(val: str) -> bool | str:
    """What databases write for true and false; ValueError for another text."""
    word = str(val).lower()
    if word in _TRUE_TEXTS:
        return True
    if word in _FALSE_TEXTS:
        return False
    raise ValueError(f"{val!r} is no word for true or false")


def default_output_processor(results: list[Any], descriptions: list[Any]) -> list[Any]:
    """The results as they are."""
    return results


class BaseSQLOperator(BaseOperator):
    """The database that ``conn_id`` names; ``database`` replaces the connection's.

    ``hook_params`` are further arguments of the hook. Without ``retry_on_failure`` a failed check is not tried again.
    """

    conn_id_field = "conn_id"
    template_fields: Sequence[str] = ("conn_id", "database", "hook_params")

    def __init__(
        self,
        *,
        conn_id: str | None = None,
        database: str | None = None,
        hook_params: dict[str, Any] | None = None,
        retry_on_failure: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id, self.database, self.hook_params = conn_id, database, hook_params or {}
        self.retry_on_failure = retry_on_failure

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """The hook of a connection's type."""
        return BaseHook.get_connection(conn_id).get_hook(hook_params=hook_params)

    @cached_property
    def _hook(self) -> DbApiHook:
        hook = self.get_hook(conn_id=getattr(self, self.conn_id_field), hook_params=self.hook_params)
        if not isinstance(hook, DbApiHook):
            raise AirflowException(
                f"{type(hook).__name__} is no database hook. Use a connection of a database's type, such as sqlite."
            )
        if self.database:
            name = "database" if getattr(hook, "conn_type", None) == "postgres" else "schema"
            setattr(hook, name, self.database)
        return hook

    def get_db_hook(self) -> DbApiHook:
        """The hook; subclasses may give another."""
        return self._hook

    def _raise_exception(self, exception_string: str) -> NoReturn:
        raise (AirflowException if self.retry_on_failure else AirflowFailException)(exception_string)


class SQLExecuteQueryOperator(BaseSQLOperator):
    """Runs ``sql``: a text, a list of texts, or the path of a ``.sql`` template.

    The result is what ``handler`` makes of the cursor (default: all rows), after ``output_processor``; of several
    statements the last one's, or a list with ``return_last=False``. ``autocommit`` makes each statement a transaction.
    """

    template_fields: Sequence[str] = ("sql", "parameters", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".sql", ".json")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "parameters": "json"}
    ui_color = "#cdaaed"

    def __init__(
        self,
        *,
        sql: str | list[str],
        autocommit: bool = False,
        parameters: Mapping[str, Any] | Iterable[Any] | None = None,
        handler: Callable[[Any], Any] | None = fetch_all_handler,
        output_processor: Callable[[list[Any], list[Any]], Any] | None = None,
        conn_id: str | None = None,
        database: str | None = None,
        split_statements: bool | None = None,
        return_last: bool = True,
        show_return_value_in_logs: bool = False,
        requires_result_fetch: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        self.sql, self.parameters = sql, parameters
        self.autocommit, self.split_statements = autocommit, split_statements
        self.handler, self.return_last = handler, return_last
        self._output_processor = output_processor or default_output_processor
        self.requires_result_fetch = requires_result_fetch
        self.show_return_value_in_logs = show_return_value_in_logs

    def _should_run_output_processing(self) -> bool:
        return self.requires_result_fetch or self.do_xcom_push

    def _process_output(self, results: list[Any], descriptions: list[Any]) -> Any:
        """What becomes of the statements' results; subclasses may change them."""
        processed = self._output_processor(results, descriptions)
        if self.show_return_value_in_logs:
            self.log.info("The statements returned %s", results)
        return processed

    def execute(self, context: Context) -> Any:
        """Run the statements."""
        hook = self.get_db_hook()
        wants_output = self._should_run_output_processing()
        choice: dict[str, Any] = {} if self.split_statements is None else {"split_statements": self.split_statements}
        output = hook.run(
            sql=self.sql,
            parameters=self.parameters,  # type: ignore[arg-type]  # what the driver takes
            autocommit=self.autocommit,
            handler=self.handler if wants_output else None,
            return_last=self.return_last,
            **choice,
        )
        if not wants_output:
            return None
        is_single = return_single_query_results(self.sql, self.return_last, self.split_statements)
        processed = self._process_output([output] if is_single else output, hook.descriptions)
        return processed[-1] if is_single else processed

    def prepare_template(self) -> None:
        """Parameters written as a text are Python literals."""
        if isinstance(self.parameters, str):
            self.parameters = ast.literal_eval(self.parameters)


class BranchSQLOperator(BaseSQLOperator, SkipMixin):
    """Follows one list of tasks or the other by the first cell of ``sql``: a truth value, a number, or a word."""

    template_fields: Sequence[str] = ("sql", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#a22034"
    ui_fgcolor = "#F7F7F7"

    def __init__(
        self,
        *,
        sql: str,
        follow_task_ids_if_true: str | list[str],
        follow_task_ids_if_false: str | list[str],
        conn_id: str = "default_conn_id",
        database: str | None = None,
        parameters: Iterable[Any] | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        self.sql, self.parameters = sql, parameters
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false

    def execute(self, context: Context) -> None:
        """Query, and skip what is not followed."""
        row = self.get_db_hook().get_first(self.sql, self.parameters)  # type: ignore[arg-type]  # what the driver takes
        if not row:
            raise AirflowException("The query found no row, so there is nothing to decide by")
        value = row
        while isinstance(value, (list, tuple)):
            value = value[0]
        self.log.info("The query found %r", value)
        is_true = self._truth(value)
        self.skip_all_except(context["ti"], self.follow_task_ids_if_true if is_true else self.follow_task_ids_if_false)

    @staticmethod
    def _truth(value: Any) -> bool:
        if isinstance(value, (bool, int)):
            return bool(value)
        if isinstance(value, str):
            try:
                return bool(parse_boolean(value))
            except ValueError:
                pass
        raise AirflowException(f"The query decides by a truth value, a number or a word for one, and found {value!r}")
