"""Columns of the tables: moments in the operator's zone, states in colours, links to the desk's pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from orchestration.templatetags import desk

#: What a table shows of a row.
Column = Callable[[Any], Any]
#: Characters of a long text in a list.
SHORT = 80


def moment(field: str, title: str | None = None, *, sorts: bool = True) -> Column:
    """A date and time; sorted by where the field has an index (``sorts``)."""

    def show(row: Any) -> Any:
        return desk.moment(_value(row, field))

    return _named(show, field, title or field.replace("_date", "").replace("_", " "), sorts)


def state(field: str = "state") -> Column:
    """A state as a dot with its name."""

    def show(row: Any) -> Any:
        return desk.state(_value(row, field))

    return _named(show, field, field, False)


def duration(field: str, title: str) -> Column:
    """Seconds in words."""

    def show(row: Any) -> Any:
        return desk.duration(_value(row, field))

    return _named(show, field, title, False)


def took(title: str) -> Column:
    """From start to end."""

    def show(row: Any) -> Any:
        is_over = row.start_date is not None and row.end_date is not None
        return desk.duration(row.end_date - row.start_date) if is_over else "–"

    return _named(show, "took", title, False)


def short(field: str, title: str | None = None) -> Column:
    """The start of a text, all of it where the pointer rests."""

    def show(row: Any) -> Any:
        text = str(_value(row, field) or "")
        if not text:
            return "–"
        first = text.strip().splitlines()[0] if text.strip() else ""
        cut = first if len(first) <= SHORT and first == text.strip() else f"{first[:SHORT]}…"
        return format_html('<span class="desk-cut" title="{}">{}</span>', text[:2000], cut)

    return _named(show, field, title or field.replace("_", " "), False)


def dag_link(path: str = "dag_id") -> Column:
    """The DAG, leading to its page."""

    def show(row: Any) -> Any:
        dag_id = _value(row, path)
        if not dag_id:
            return "–"
        return _link(dag_address(dag_id), dag_id)

    return _named(show, "dag", "DAG", False)


def run_link(dag: str = "dag_id", run: str = "run_id") -> Column:
    """The run, leading to its page."""

    def show(row: Any) -> Any:
        dag_id, run_id = _value(row, dag), _value(row, run)
        if not run_id:
            return "–"
        if not dag_id:
            return run_id
        return _link(_address("desk_run", dag_id, run_id), run_id)

    return _named(show, "run", "run", False)


def task_link(prefix: str = "", *, run: str = "run.run_id") -> Column:
    """The task instance, leading to its page; ``prefix`` leads from the row to the instance (``task_instance.``)."""

    def show(row: Any) -> Any:
        dag_id, task_id = _value(row, f"{prefix}dag_id"), _value(row, f"{prefix}task_id")
        run_id, index = _value(row, f"{prefix}{run}"), _value(row, f"{prefix}map_index")
        if task_id is None:
            return "–"
        mapped = index is not None and index >= 0
        name = f"{task_id}[{index}]" if mapped else task_id
        if not dag_id or not run_id:
            return name
        address = _address("desk_task", dag_id, run_id, task_id)
        return _link(address and address + (f"?map_index={index}" if mapped else ""), name)

    return _named(show, "task", "task", False)


def dag_address(dag_id: str) -> str | None:
    """The DAG's page; None for what cannot be a DAG's id, which logs and DAG files may hold all the same."""
    return _address("desk_dag", dag_id)


def _address(page: str, *ids: str) -> str | None:
    try:
        return reverse(f"admin:{page}", args=ids)
    except NoReverseMatch:
        return None


def _link(address: str | None, name: str) -> Any:
    if address is None:
        return name
    return format_html('<a class="desk-link" href="{}" title="{}">{}</a>', address, name, name)


def _value(row: Any, path: str) -> Any:
    """What the dotted path leads to; None where it breaks off."""
    for name in path.split("."):
        if row is None:
            return None
        row = getattr(row, name)
    return row


def _named(show: Column, name: str, title: str, sorts: bool) -> Column:
    show.__name__ = name.replace(".", "_")
    decorate: Callable[[Column], Column] = admin.display(description=title, ordering=name if sorts else None)
    return decorate(show)
