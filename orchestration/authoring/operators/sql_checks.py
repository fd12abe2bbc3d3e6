"""Checking data with SQL. Mirrors the check operators of ``airflow.providers.common.sql.operators.sql``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException, AirflowFailException
from orchestration.authoring.operators.sql import BaseSQLOperator, parse_boolean


def _number(value: Any) -> Any:
    """The value as a float, or as it is."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _nothing_found(sql: str) -> str:
    return f"The check failed: its query found no row.\nQuery: {sql}"


class SQLCheckOperator(BaseSQLOperator):
    """Fails where the first row of ``sql`` is missing or holds a value that Python takes for false."""

    template_fields: Sequence[str] = ("sql", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".hql", ".sql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#fff7e6"

    def __init__(
        self,
        *,
        sql: str,
        conn_id: str | None = None,
        database: str | None = None,
        parameters: Iterable[Any] | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        self.sql, self.parameters = sql, parameters

    def execute(self, context: Context) -> None:
        """Query and judge."""
        row = self.get_db_hook().get_first(self.sql, self.parameters)  # type: ignore[arg-type]  # what the driver takes
        self.log.info("The query found %s", row)
        if not row:
            self._raise_exception(_nothing_found(self.sql))
        if not all(row.values() if isinstance(row, dict) else row):
            self._raise_exception(f"The check failed: its first row, {row!s}, has a false value.\nQuery: {self.sql}")


class SQLValueCheckOperator(BaseSQLOperator):
    """Fails where a value of the first row differs from ``pass_value``; numbers may by ``tolerance`` (0.1: 10 %)."""

    template_fields: Sequence[str] = ("sql", "pass_value", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".hql", ".sql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#fff7e6"

    def __init__(
        self,
        *,
        sql: str,
        pass_value: Any,
        tolerance: Any = None,
        conn_id: str | None = None,
        database: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        allowed = _number(tolerance)
        self.has_tolerance = isinstance(allowed, float)
        self.tol: float | None = allowed if self.has_tolerance else None
        self.sql, self.pass_value = sql, str(pass_value)

    def check_value(self, records: Any) -> None:
        """Judge a row."""
        if not records:
            self._raise_exception(_nothing_found(self.sql))
        wanted = _number(self.pass_value)
        leeway = "" if self.tol is None else f", give or take {self.tol:.1%}"
        message = f"The check failed: {wanted} was expected{leeway}, and {records!s} was found.\nQuery: {self.sql}"
        if not isinstance(wanted, float):
            if any(str(record) != wanted for record in records):
                self._raise_exception(message)
            return
        try:
            numbers = [float(record) for record in records]
        except (ValueError, TypeError):
            raise AirflowException(f"A number was expected. {message}") from None
        low, high = (wanted, wanted) if self.tol is None else (wanted * (1 - self.tol), wanted * (1 + self.tol))
        if not all(low <= number <= high for number in numbers):
            self._raise_exception(message)

    def execute(self, context: Context) -> None:
        """Query and judge."""
        self.check_value(self.get_db_hook().get_first(self.sql))


class SQLIntervalCheckOperator(BaseSQLOperator):
    """Fails where a metric of the day differs too much from that of ``days_back`` days before.

    ``metrics_thresholds``: SQL expression → the ratio it must stay below. ``ratio_formula`` is ``max_over_min`` or
    ``relative_diff``. A metric that is 0 passes where ``ignore_zero``.
    """

    template_fields: Sequence[str] = ("sql1", "sql2", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".hql", ".sql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql1": "sql", "sql2": "sql"}
    ui_color = "#fff7e6"
    ratio_formulas: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "max_over_min": lambda current, reference: max(current, reference) / min(current, reference),
        "relative_diff": lambda current, reference: abs(current - reference) / reference,
    }

    def __init__(
        self,
        *,
        table: str,
        metrics_thresholds: dict[str, float],
        date_filter_column: str | None = "ds",
        days_back: int = -7,
        ratio_formula: str = "max_over_min",
        ignore_zero: bool = True,
        conn_id: str | None = None,
        database: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        if ratio_formula not in self.ratio_formulas:
            known = ", ".join(sorted(self.ratio_formulas))
            raise AirflowFailException(f"ratio_formula is one of {known}, not {ratio_formula!r}")
        self.table, self.date_filter_column = table, date_filter_column
        self.metrics_sorted = sorted(metrics_thresholds)
        self.metrics_thresholds = metrics_thresholds
        self.ratio_formula, self.ignore_zero = ratio_formula, ignore_zero
        self.days_back = -abs(days_back)
        query = f"SELECT {', '.join(self.metrics_sorted)} FROM {table} WHERE {date_filter_column}="  # noqa: S608 the DAG's author writes it
        self.sql1 = f"{query}'{{{{ ds }}}}'"
        self.sql2 = f"{query}'{{{{ macros.ds_add(ds, {self.days_back}) }}}}'"

    def execute(self, context: Context) -> None:
        """Query both days and compare."""
        hook = self.get_db_hook()
        reference, current = hook.get_first(self.sql2), hook.get_first(self.sql1)
        for row, query in ((reference, self.sql2), (current, self.sql1)):
            if not row:
                self._raise_exception(_nothing_found(query))
        failed: list[str] = []
        for metric, now, before in zip(self.metrics_sorted, current, reference, strict=False):
            threshold = self.metrics_thresholds[metric]
            ratio = None if now == 0 or before == 0 else self.ratio_formulas[self.ratio_formula](now, before)
            self.log.info("%s: now %s, before %s, ratio %s, threshold %s", metric, now, before, ratio, threshold)
            passes = self.ignore_zero if ratio is None else ratio < threshold
            if not passes:
                failed.append(metric)
        if failed:
            self._raise_exception(f"Over their thresholds: {', '.join(failed)}. The ratios are above.")


class SQLThresholdCheckOperator(BaseSQLOperator):
    """Fails where the first cell of ``sql`` is outside the thresholds, each a number or a query of one."""

    template_fields: Sequence[str] = ("sql", "min_threshold", "max_threshold", *BaseSQLOperator.template_fields)
    template_ext: Sequence[str] = (".hql", ".sql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}

    def __init__(
        self,
        *,
        sql: str,
        min_threshold: Any,
        max_threshold: Any,
        conn_id: str | None = None,
        database: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, database=database, **kwargs)
        self.min_threshold, self.max_threshold = min_threshold, max_threshold
        self.sql = sql

    def execute(self, context: Context) -> None:
        """Query and compare."""
        row = self.get_db_hook().get_first(self.sql)
        if not row:
            self._raise_exception(_nothing_found(self.sql))
        result = row[0]
        low, high = self._bound(self.min_threshold), self._bound(self.max_threshold)
        within = low <= result <= high
        self.push(
            {
                "result": result,
                "task_id": self.task_id,
                "min_threshold": low,
                "max_threshold": high,
                "within_threshold": within,
            }
        )
        if not within:
            self._raise_exception(
                f"The check failed: {round(result, 2)} does not lie between {low} and {high}.\nQuery: {self.sql}"
            )

    def _bound(self, threshold: Any) -> Any:
        number = _number(threshold)
        return number if isinstance(number, float) else self.get_db_hook().get_first(threshold)[0]

    def push(self, meta_data: dict[str, Any]) -> None:
        """Log the check's data; subclasses may send it elsewhere."""
        self.log.info("Found: %s", ", ".join(f"{name} {value}" for name, value in meta_data.items()))


class _TableOperator(BaseSQLOperator):
    """A table, and a condition that all its checks share."""

    template_fields: Sequence[str] = ("table", "partition_clause", "sql", *BaseSQLOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}

    def __init__(self, *, table: str, partition_clause: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.partition_clause = partition_clause

    def _where(self, check: Mapping[str, Any]) -> str:
        clauses = [clause for clause in (self.partition_clause, check.get("partition_clause")) if clause]
        return f"WHERE {' AND '.join(clauses)}" if clauses else ""

    def _rows(self, sql: str) -> Any:
        rows = self.get_db_hook().get_records(sql)
        if not rows:
            self._raise_exception(_nothing_found(sql))
        self.log.info("The query found %s", rows)
        return rows


class SQLTableCheckOperator(_TableOperator):
    """Fails where one of ``checks`` does not hold: name → ``check_statement`` (a condition), ``partition_clause``."""

    sql_check_template = (
        "SELECT '{check_name}' AS check_name, MIN({check_name}) AS check_result "
        "FROM (SELECT CASE WHEN {check_statement} THEN 1 ELSE 0 END AS {check_name} "
        "FROM {table} {partition_clause}) AS sq"
    )

    def __init__(
        self,
        *,
        table: str,
        checks: dict[str, dict[str, Any]],
        partition_clause: str | None = None,
        conn_id: str | None = None,
        database: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(table=table, partition_clause=partition_clause, conn_id=conn_id, database=database, **kwargs)
        self.checks = checks
        self.sql = f"SELECT check_name, check_result FROM ({self._generate_sql_query()}) AS check_table"  # noqa: S608 as above

    def _generate_sql_query(self) -> str:
        return " UNION ALL ".join(
            self.sql_check_template.format(
                check_name=name,
                check_statement=check["check_statement"],
                partition_clause=self._where(check),
                table=self.table,
            )
            for name, check in self.checks.items()
        )

    def execute(self, context: Context) -> None:
        """Query and judge."""
        rows = self._rows(self.sql)
        for name, result in rows:
            self.checks[name]["success"] = parse_boolean(str(result))
        failed = [f"{name}: {check}" for name, check in self.checks.items() if not check.get("success")]
        if failed:
            self._raise_exception("\n".join(["These checks failed:", *failed, f"Query: {self.sql}"]))


#: Comparisons of a column check: whether the value and the bound, moved by the tolerance, are right.
_COMPARISONS: dict[str, Callable[[Any, Any, float], bool]] = {
    "equal_to": lambda value, bound, tol: (
        value == bound if not tol else bound * (1 - tol) <= value <= bound * (1 + tol)
    ),
    "greater_than": lambda value, bound, tol: bool(value > bound * (1 - tol)),
    "geq_to": lambda value, bound, tol: bool(value >= bound * (1 - tol)),
    "less_than": lambda value, bound, tol: bool(value < bound * (1 + tol)),
    "leq_to": lambda value, bound, tol: bool(value <= bound * (1 + tol)),
}


class SQLColumnCheckOperator(_TableOperator):
    """Fails where a column's figure is out of its bounds.

    ``column_mapping``: column → check (``null_check``, ``distinct_check``, ``unique_check``, ``min``, ``max``) →
    ``equal_to``, ``greater_than``, ``geq_to``, ``less_than``, ``leq_to``, with ``tolerance`` (0.1: 10 %) and
    ``partition_clause``. No figure counts as 0 where ``accept_none``.
    """

    sql_check_template = (
        "SELECT '{column}' AS col_name, '{check}' AS check_type, {column}_{check} AS check_result "
        "FROM (SELECT {check_statement} AS {column}_{check} FROM {table} {partition_clause}) AS sq"
    )
    column_checks: ClassVar[dict[str, str]] = {
        "null_check": "SUM(CASE WHEN {column} IS NULL THEN 1 ELSE 0 END)",
        "distinct_check": "COUNT(DISTINCT({column}))",
        "unique_check": "COUNT({column}) - COUNT(DISTINCT({column}))",
        "min": "MIN({column})",
        "max": "MAX({column})",
    }

    def __init__(
        self,
        *,
        table: str,
        column_mapping: dict[str, dict[str, Any]],
        partition_clause: str | None = None,
        conn_id: str | None = None,
        database: str | None = None,
        accept_none: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(table=table, partition_clause=partition_clause, conn_id=conn_id, database=database, **kwargs)
        self.column_mapping = column_mapping
        self.accept_none = accept_none
        for checks in column_mapping.values():
            for check, values in checks.items():
                self._column_mapping_validation(check, values)
        queries = " UNION ALL ".join(
            self._generate_sql_query(column, checks) for column, checks in column_mapping.items()
        )
        self.sql = f"SELECT col_name, check_type, check_result FROM ({queries}) AS check_columns"  # noqa: S608 as above

    def _generate_sql_query(self, column: str, checks: dict[str, Any]) -> str:
        return " UNION ALL ".join(
            self.sql_check_template.format(
                column=column,
                check=check,
                check_statement=self.column_checks[check].format(column=column),
                partition_clause=self._where(values),
                table=self.table,
            )
            for check, values in checks.items()
        )

    def execute(self, context: Context) -> None:
        """Query and judge."""
        rows = self._rows(self.sql)
        for column, check, result in rows:
            values = self.column_mapping[column][check]
            values["result"] = result
            values["success"] = self._get_match(values, result, values.get("tolerance"))
        failed = [
            f"{check} of {column}: {values}"
            for column, checks in self.column_mapping.items()
            for check, values in checks.items()
            if not values.get("success")
        ]
        if failed:
            self._raise_exception("\n".join(["These checks failed:", *failed]))

    def _get_match(self, check_values: Mapping[str, Any], record: Any, tolerance: float | None = None) -> bool:
        if record is None and self.accept_none:
            record = 0
        return all(
            compare(record, check_values[name], tolerance or 0)
            for name, compare in _COMPARISONS.items()
            if name in check_values
        )

    def _column_mapping_validation(self, check: str, check_values: Mapping[str, Any]) -> None:
        if check not in self.column_checks:
            raise AirflowException(f"A column's check is one of {', '.join(self.column_checks)}, not {check!r}")
        given = {name: check_values[name] for name in _COMPARISONS if name in check_values}
        if not given:
            raise ValueError(f"Check {check!r} has nothing to compare with: give one of {', '.join(_COMPARISONS)}")
        if "equal_to" in given and len(given) > 1:
            raise ValueError(f"Check {check!r} has equal_to, which stands alone: take out the others")
        for strict, loose in (("greater_than", "geq_to"), ("less_than", "leq_to")):
            if strict in given and loose in given:
                raise ValueError(f"Check {check!r} has {strict} and {loose}: take out one of the two")
        low = next((name for name in ("greater_than", "geq_to") if name in given), None)
        high = next((name for name in ("less_than", "leq_to") if name in given), None)
        if low is None or high is None:
            return
        may_be_equal = (low, high) == ("geq_to", "leq_to")
        if given[low] > given[high] or (given[low] == given[high] and not may_be_equal):
            raise ValueError(
                f"No figure passes check {check!r}: {low} is {given[low]}, and {high} is {given[high]}. "
                "With geq_to and leq_to both may be the same."
            )
