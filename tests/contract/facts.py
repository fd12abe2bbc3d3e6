"""What a client can read in an OpenAPI document, as plain facts; and how one document's differ from another's.

    python -m tests.contract.facts DOCUMENT.json > stable_api_2_10_5.json

``facts`` gives ``{"operations": {id: operation}, "schemas": {name: {place: text}}}``. An operation is ``{"at": "GET
/pools", "parameters": {"query limit": text}, "body": text, "answers": {"200 application/json": text}}``. A place is a
member's, an item's or the schema's own: ``dag_runs``, ``dag_runs[].state``, ``""``. A text holds ``@Name`` of a schema
told elsewhere, the types, and as far as they are there ``format=…``, ``null``, ``required``, ``readOnly`` or
``writeOnly``, ``default=…`` and ``=`` with the values allowed: ``string format=date-time null``, ``@DagState null``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
#: Codes whose answers have no body.
_EMPTY = frozenset({"204", "304"})
_ONE_WAY = ("readOnly", "writeOnly")
_ANY = frozenset({"array", "boolean", "integer", "number", "object", "string"})
#: The same format in another spelling.
_FORMATS = {"datetime": "date-time"}


@dataclass(frozen=True)
class Fact:
    """What is known of the values at one place. No types: any value. No values: all of the types."""

    types: frozenset[str] = frozenset()
    format: str = ""
    is_nullable: bool = False
    is_required: bool = False
    one_way: str = ""
    default: str = ""
    values: frozenset[str] = frozenset()
    refers_to: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [f"@{name}" for name in self.refers_to] + sorted(self.types)
        words += [f"format={self.format}"] if self.format else []
        words += ["null"] * self.is_nullable + ["required"] * self.is_required
        words += [self.one_way] if self.one_way else []
        words += [f"default={self.default}"] if self.default else []
        return " ".join(words + ([f"={','.join(sorted(self.values))}"] if self.values else []))

    @classmethod
    def read(cls, text: str) -> Fact:
        """The fact that ``str`` wrote."""
        told: dict[str, Any] = {"types": set(), "refers_to": []}
        for word in text.split():
            if word.startswith("@"):
                told["refers_to"].append(word[1:])
            elif word.startswith("format="):
                told["format"] = word.removeprefix("format=")
            elif word.startswith("default="):
                told["default"] = word.removeprefix("default=")
            elif word.startswith("="):
                told["values"] = frozenset(word[1:].split(","))
            elif word in _ONE_WAY:
                told["one_way"] = word
            elif word in {"null", "required"}:
                told["is_nullable" if word == "null" else "is_required"] = True
            else:
                told["types"].add(word)
        return cls(**{**told, "types": frozenset(told["types"]), "refers_to": tuple(told["refers_to"])})

    def joined(self, other: Fact) -> Fact:
        """What is known of a value of which either is true, or both are parts of what is known."""
        return Fact(
            self.types | other.types,
            self.format or other.format,
            self.is_nullable or other.is_nullable,
            self.is_required or other.is_required,
            self.one_way or other.one_way,
            self.default or other.default,
            self.values | other.values,
            (*self.refers_to, *other.refers_to),
        )


Places = dict[str, Fact]


def facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document's operations and schemas."""
    return {
        "operations": dict(sorted(_operations(document))),
        "schemas": {
            name: {place: str(fact) for place, fact in _places(schema).items()}
            for name, schema in sorted(document["components"]["schemas"].items())
        },
    }


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                asked = [*item.get("parameters", ()), *operation.get("parameters", ())]
                body = _resolved(document, operation.get("requestBody", {}))
                yield (
                    operation["operationId"].rpartition(".")[2],
                    {
                        "at": f"{method.upper()} {path}",
                        "parameters": dict(_parameter(_resolved(document, each)) for each in asked),
                        **({"body": _content(body)["application/json"]} if body else {}),
                        "answers": dict(_answers(document, operation["responses"])),
                    },
                )


def _parameter(told: Mapping[str, Any]) -> tuple[str, str]:
    places = _places(told["schema"])
    fact = replace(places[""], is_required=bool(told.get("required")))
    items = f" of {places['[]']}" if "[]" in places else ""
    comma = " comma" if told.get("explode") is False else ""
    return f"{told['in']} {told['name']}", f"{fact}{items}{comma}"


def _answers(document: Mapping[str, Any], responses: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for status, answer in sorted(responses.items()):
        content = _content(_resolved(document, answer))
        if not content or status in _EMPTY:
            yield status, ""
        for media_type, told in sorted(content.items()):
            yield f"{status} {media_type}", told


def _content(part: Mapping[str, Any]) -> dict[str, Any]:
    """Media type → a schema's name as a text, or its places where it has no name."""
    found: dict[str, Any] = {}
    for media_type, told in part.get("content", {}).items():
        places = _places(told.get("schema", {}))
        found[media_type] = (
            str(places[""]) if set(places) == {""} else {place: str(fact) for place, fact in places.items()}
        )
    return found


def _resolved(document: Mapping[str, Any], part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _places(schema: Mapping[str, Any], place: str = "") -> Places:
    """The facts of a schema's places; what another schema tells is left as a reference."""
    if "$ref" in schema:
        return {place: Fact(refers_to=(schema["$ref"].rpartition("/")[2],))}
    own = Fact(
        types=frozenset([schema["type"]] if "type" in schema else []),
        format=_FORMATS.get(schema.get("format", ""), schema.get("format", "")),
        one_way=next((word for word in _ONE_WAY if schema.get(word)), ""),
        is_nullable=bool(schema.get("nullable")) or None in schema.get("enum", ()),
        default=json.dumps(schema["default"]) if "default" in schema else "",
        values=frozenset(str(value) for value in schema.get("enum", ()) if value is not None),
    )
    found: Places = {place: own}
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        _join(found, _places(part, place))
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        below = _places(member, f"{place}.{name}" if place else name)
        top = f"{place}.{name}" if place else name
        below[top] = replace(below[top], is_required=name in required)
        _join(found, below)
    if schema.get("items"):
        _join(found, _places(schema["items"], f"{place}[]"))
    return found


def _join(found: Places, more: Places) -> None:
    for place, fact in more.items():
        found[place] = found[place].joined(fact) if place in found else fact


def expanded(known: Mapping[str, Any], told: str | Mapping[str, str], seen: tuple[str, ...] = ()) -> Places:
    """All places below a text or a map of ``facts``, the schemas that are referred to put in; recursion ends there."""
    places = {"": told} if isinstance(told, str) else told
    found: Places = {}
    for place, text in places.items():
        fact = Fact.read(text)
        _join(found, {place: replace(fact, refers_to=())})
        for name in fact.refers_to:
            if name not in seen:
                for below, inner in expanded(known, known["schemas"][name], (*seen, name)).items():
                    joint = "" if not below or not place or below.startswith("[") else "."
                    here = inner if below else replace(inner, is_required=False)
                    _join(found, {f"{place}{joint}{below}": here})
    return found


@dataclass
class Comparison:
    """How ``ours`` differs from ``theirs``: each a line such as ``get_pool 200 application/json slots: …``."""

    theirs: Mapping[str, Any]
    ours: Mapping[str, Any]
    differences: list[str] = field(default_factory=list)

    def of_operation(self, name: str) -> list[str]:
        """The differences of one operation that both documents have, sorted."""
        self.differences = []
        theirs, ours = self.theirs["operations"][name], self.ours["operations"][name]
        if theirs["at"] != ours["at"]:
            self._note(name, f"is at {ours['at']}, was at {theirs['at']}")
        self._parameters(name, theirs["parameters"], ours["parameters"])
        self._answers(name, theirs["answers"], ours["answers"])
        if ("body" in theirs) != ("body" in ours):
            self._note(f"{name} body", "is there" if "body" in ours else "is missing")
        elif "body" in theirs:
            told = expanded(self.theirs, theirs["body"]), expanded(self.ours, ours["body"])
            self._places(f"{name} body", *told, "readOnly")
        return sorted(self.differences)

    def _note(self, where: str, told: str) -> None:
        self.differences.append(f"{where}: {told}")

    def _parameters(self, name: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
        for parameter in theirs.keys() | ours.keys():
            if theirs.get(parameter) != ours.get(parameter):
                self._note(
                    f"{name} {parameter}", f"{ours.get(parameter, 'missing')}, was {theirs.get(parameter, 'missing')}"
                )

    def _answers(self, name: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
        theirs = {_as_problem(answer): told for answer, told in theirs.items()}
        for answer in theirs.keys() | ours.keys():
            where = f"{name} {answer}"
            if answer not in ours:
                self._note(where, "missing")
            elif answer not in theirs:
                self._note(where, "more")
            else:
                told = expanded(self.theirs, theirs[answer]), expanded(self.ours, ours[answer])
                self._places(where, *told, "writeOnly")

    def _places(self, where: str, theirs: Places, ours: Places, other_way: str) -> None:
        """Place by place, but for what only goes the other way."""
        theirs, ours = _going(theirs, other_way), _going(ours, other_way)
        gone, come = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
        for told, places in (("missing", gone), ("more", come)):
            for place in places:
                if not any(_is_below(place, other) for other in places):  # told of the whole
                    self._note(f"{where} {place}", told)
        for place in theirs.keys() & ours.keys():
            at = f"{where} {place}".rstrip()
            if theirs[place] != ours[place]:
                self._note(at, f"{ours[place]}, was {theirs[place]}")


def _as_problem(answer: str) -> str:
    """The reference's document has JSON for the errors that it answers as problem documents."""
    return answer.replace("application/json", "application/problem+json") if answer[0] in "45" else answer


def _going(places: Places, other_way: str) -> Places:
    gone = [place for place, fact in places.items() if fact.one_way == other_way]
    return {
        place: replace(fact, one_way="", types=fact.types - _ANY if fact.types >= _ANY else fact.types)
        for place, fact in places.items()
        if not any(place == each or _is_below(place, each) for each in gone)
    }


def _is_below(place: str, other: str) -> bool:
    return bool(other) and place.startswith((f"{other}.", f"{other}["))


if __name__ == "__main__":
    read = facts(json.loads(Path(sys.argv[1]).read_text()))
    parts = []
    for part, told in read.items():
        rows = ",\n".join(
            f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in told.items()
        )
        parts.append(f"{json.dumps(part)}: {{\n{rows}\n}}")
    print("{" + ",\n".join(parts) + "}")
