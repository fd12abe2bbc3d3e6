"""The form that makes a run: a field for each param, the whole as JSON, id, date and note."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.urls import reverse

from orchestration.access.requirements import BY_ID
from orchestration.admin import text
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.pages.dag import OfDag
from orchestration.admin.pages.runs import note_of
from orchestration.admin.queries.grid import parse_moment
from orchestration.errors import Invalid
from orchestration.models import DagRun
from orchestration.services import dag_runs, dags

#: Configurations of earlier runs that are offered.
RECENT: Final = 10
_BY_FORMAT: Final = {"date": "date", "date-time": "datetime", "time": "time", "multiline": "multiline"}
_BY_TYPE: Final = {"integer": "integer", "number": "number", "boolean": "boolean", "object": "json"}


def fields(params: dict[str, Any]) -> list[dict[str, Any]]:
    """How each param is asked for.

    ``kind``: text, multiline, date, datetime, time, integer, number, boolean, choice, choices, lines, json or fixed.
    """
    return [_field(name, stored) for name, stored in params.items()]


def _field(name: str, stored: dict[str, Any]) -> dict[str, Any]:
    schema = stored.get("schema") or {}
    value = None if stored.get("is_masked") or stored.get("is_required") else stored.get("value")
    types = schema.get("type")
    types = types if isinstance(types, list) else [types] if types else []
    main = next((each for each in types if each != "null"), None)
    kind = _kind(schema, main, value)
    display = schema.get("values_display") or {}
    options = schema.get("enum") or schema.get("examples") or []
    description = schema.get("description_md") or stored.get("description") or ""
    is_null_allowed = "null" in types
    return {
        "name": name,
        "kind": kind,
        "title": schema.get("title") or name,
        "description": text.from_markdown(str(description)),
        "section": schema.get("section") or "",
        "value": value,
        "written": _written(value, kind),
        "options": [
            {
                "value": orjson.dumps(option).decode(),
                "label": str(display.get(str(option), option)),
                "is_chosen": option == value or (isinstance(value, list) and option in value),
            }
            for option in options
        ],
        "is_suggestion": kind == "text" and bool(schema.get("examples")),
        "is_required": not is_null_allowed and kind not in ("boolean", "lines", "choices", "json") and main is not None,
        "is_null_allowed": is_null_allowed,
        "is_masked": bool(stored.get("is_masked")),
        "minimum": schema.get("minimum"),
        "maximum": schema.get("maximum"),
        "min_length": schema.get("minLength"),
        "max_length": schema.get("maxLength"),
        "pattern": schema.get("pattern"),
    }


def _kind(schema: dict[str, Any], main: str | None, value: Any) -> str:
    if "const" in schema:
        return "fixed"
    if schema.get("enum"):
        return "choice"
    if main == "array":
        if schema.get("examples"):
            return "choices"
        items = schema.get("items")
        return "lines" if not isinstance(items, dict) or items.get("type", "string") == "string" else "json"
    if main == "string":
        return _BY_FORMAT.get(str(schema.get("format")), "text")
    if main is not None:
        return _BY_TYPE.get(main, "json")
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) else "json"


def _written(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    if kind in ("json", "fixed") or not isinstance(value, str):
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    if kind == "datetime":
        moment = parse_moment(value)
        return moment.isoformat(timespec="seconds")[:19] if moment is not None else value
    return value


class TriggerPage(OfDag):
    """The form. Values of ``conf`` in the address' query are filled in."""

    template_name = "desk/trigger.html"
    pairs = BY_ID["post_dag_run"].pairs

    def crumbs(self) -> list[tuple[str, str]]:
        """The DAG."""
        return self.crumbs_below()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Four queries."""
        params = dict(self.shape.params) if self.shape is not None else {}
        rows = fields(params)
        asked = self.request.GET.get("conf", "")
        recent: list[dict[str, Any]] = []
        if self.allows("get_dag_runs"):
            runs = DagRun.objects.filter(dag=self.dag).order_by("-logical_date").values("run_id", "conf")
            seen: set[bytes] = set()
            for run in runs[:50]:
                key = orjson.dumps(run["conf"] or {}, option=orjson.OPT_SORT_KEYS)
                if run["conf"] and key not in seen and len(recent) < RECENT:
                    seen.add(key)
                    recent.append({"run_id": run["run_id"], "conf": run["conf"]})
        return super().get_context_data(
            title="Trigger",
            dag=self.dag,
            fields=rows,
            recent=recent,
            data={
                "conf": {row["name"]: row["value"] for row in rows if not row["is_masked"]},
                "required": [name for name, stored in params.items() if stored.get("is_required")],
                "recent": [each["conf"] for each in recent],
                "asked": _json_or_none(asked),
            },
            can_unpause=self.allows("patch_dag"),
            **kwargs,
        )


def _json_or_none(written: str) -> Any:
    try:
        found = orjson.loads(written)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


class TriggerVerb(Verb, OfDag):
    """``{"conf", "run_id", "logical_date", "note", "unpause"}``: make a run; the address of its page."""

    event = "post_dag_run"
    pairs = BY_ID["post_dag_run"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """Raises Invalid for values that break the params' schemas or are of a wrong type."""
        conf = body.get("conf") or {}
        if not isinstance(conf, dict):
            raise Invalid("conf must be a JSON object.")
        written = body.get("logical_date") or None
        logical_date = parse_moment(str(written)) if written else None
        if written and logical_date is None:
            raise Invalid(f"{str(written)[:100]!r} is no date and time. Write it as 2024-03-05T10:00:00+00:00.")
        run = dag_runs.trigger(
            self.dag,
            actor=self.request.user,
            run_id=str(body["run_id"]) if body.get("run_id") else None,
            logical_date=logical_date,
            conf=conf,
            note=note_of(body) if body.get("note") else None,
        )
        if body.get("unpause") is True and self.dag.is_paused and self.allows("patch_dag"):
            dags.set_paused([self.dag.dag_id], False, actor=self.request.user)
        return {"run_id": run.run_id, "url": reverse("admin:desk_run", args=(self.dag.dag_id, run.run_id))}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/<str:dag_id>/trigger/", "desk_trigger", TriggerPage),
    ("dags/<str:dag_id>/trigger/run", "desk_trigger_run", TriggerVerb),
)
