"""Datasets, aliases of datasets, and conditions over them. Mirrors ``airflow.datasets`` of Airflow 2.10.5.

Stored, a condition is JSON: ``{"uri", "extra"}``, ``{"alias": name}``, ``{"any": […]}``, ``{"all": […]}``.
"""

from __future__ import annotations

import os
import urllib.parse
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from orchestration.authoring import store

MAX_URI_LENGTH = 3000

#: Gives the datasets that an alias stands for now.
AliasResolver = Callable[[str], Sequence["Dataset"]]


class DatasetAliasEvent(TypedDict):
    """An event to be made for the dataset an alias was given."""

    source_alias_name: str
    dest_dataset_uri: str
    extra: dict[str, Any]


@dataclass(frozen=True, order=True)
class DagDependency:
    """One edge of the graph of DAGs: ``source`` and ``target`` are DAG ids or kinds of nodes."""

    source: str
    target: str
    dependency_type: str
    dependency_id: str | None = None

    @property
    def node_id(self) -> str:
        """The id of the edge's node in a drawing."""
        parts = [self.dependency_type]
        if self.dependency_type not in ("dataset", "dataset-alias"):
            parts += [self.source, self.target]
        return ":".join([*parts, self.dependency_id] if self.dependency_id else parts)


class BaseDataset:
    """Whatever may stand in ``DAG(schedule=…)`` for datasets; ``|`` and ``&`` join them."""

    def __bool__(self) -> bool:
        return True

    def __or__(self, other: BaseDataset) -> BaseDataset:
        return DatasetAny(self, other) if isinstance(other, BaseDataset) else NotImplemented

    def __and__(self, other: BaseDataset) -> BaseDataset:
        return DatasetAll(self, other) if isinstance(other, BaseDataset) else NotImplemented

    def as_expression(self) -> Any:
        """The condition for people: a URI, ``{"any": […]}``, ``{"all": […]}`` or ``{"alias": name}``."""
        raise NotImplementedError

    def evaluate(self, statuses: Mapping[str, bool]) -> bool:
        """Whether the condition holds; ``statuses`` says of each URI whether it has an unused event."""
        raise NotImplementedError

    def iter_datasets(self) -> Iterator[tuple[str, Dataset]]:
        """Each dataset once, under its URI."""
        raise NotImplementedError

    def iter_dataset_aliases(self) -> Iterator[DatasetAlias]:
        """The aliases named."""
        raise NotImplementedError

    def iter_dag_dependencies(self, *, source: str, target: str) -> Iterator[DagDependency]:
        """The edges between ``source`` or ``target`` (one is empty) and each dataset and alias."""
        raise NotImplementedError


class NullDataset(BaseDataset):
    """The condition of timetables that wait for no dataset; falsy."""

    def __and__(self, other: BaseDataset) -> BaseDataset:
        return NotImplemented

    def __or__(self, other: BaseDataset) -> BaseDataset:
        return NotImplemented

    def __bool__(self) -> bool:
        return False

    def as_expression(self) -> Any:
        """None."""
        return

    def evaluate(self, statuses: Mapping[str, bool]) -> bool:
        """Never."""
        return False

    def iter_datasets(self) -> Iterator[tuple[str, Dataset]]:
        """Nothing."""
        return iter(())

    def iter_dataset_aliases(self) -> Iterator[DatasetAlias]:
        """Nothing."""
        return iter(())

    def iter_dag_dependencies(self, *, source: str, target: str) -> Iterator[DagDependency]:
        """Nothing."""
        return iter(())


class Dataset(os.PathLike[str], BaseDataset):
    """Data that tasks write and DAGs wait for, named by a URI; equal to any other of the same URI.

    The URI is sanitised: see ``sanitize_uri``. ``extra`` is JSON.
    """

    __version__ = 1

    def __init__(self, uri: str, extra: dict[str, Any] | None = None) -> None:
        self.uri = uri
        self.extra = extra

    @property
    def uri(self) -> str:
        """The sanitised URI."""
        return self._uri

    @uri.setter
    def uri(self, value: str) -> None:
        uri = sanitize_uri(value)
        if len(uri) > MAX_URI_LENGTH:
            raise ValueError(f"A dataset URI has at most {MAX_URI_LENGTH} characters; this one has {len(uri)}")
        self._uri = uri

    def __fspath__(self) -> str:
        return self.uri

    def __eq__(self, other: object) -> bool:
        return self.uri == other.uri if isinstance(other, Dataset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.uri)

    def __repr__(self) -> str:
        return f"Dataset(uri={self.uri!r}, extra={self.extra!r})"

    @property
    def normalized_uri(self) -> str | None:
        """The URI if its scheme is one with rules of its own (here only ``file``), else None."""
        return self.uri if urllib.parse.urlsplit(self.uri).scheme.lower() == "file" else None

    def as_expression(self) -> Any:
        """The URI."""
        return self.uri

    def evaluate(self, statuses: Mapping[str, bool]) -> bool:
        """Whether this dataset has an unused event."""
        return statuses.get(self.uri, False)

    def iter_datasets(self) -> Iterator[tuple[str, Dataset]]:
        """Itself."""
        yield self.uri, self

    def iter_dataset_aliases(self) -> Iterator[DatasetAlias]:
        """Nothing."""
        return iter(())

    def iter_dag_dependencies(self, *, source: str, target: str) -> Iterator[DagDependency]:
        """One edge."""
        yield DagDependency(source or "dataset", target or "dataset", "dataset", self.uri)


class DatasetAlias(BaseDataset):
    """A name for datasets that are known only when tasks run; equal to any other of the same name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, DatasetAlias) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"DatasetAlias(name={self.name!r})"

    def iter_dag_dependencies(self, *, source: str, target: str) -> Iterator[DagDependency]:
        """One edge."""
        yield DagDependency(source or "dataset-alias", target or "dataset-alias", "dataset-alias", self.name)


class _Condition(BaseDataset):
    """Several conditions joined."""

    #: The key in expressions and documents.
    word: str

    def __init__(self, *objects: BaseDataset) -> None:
        if not all(isinstance(part, BaseDataset) for part in objects):
            raise TypeError(f"A condition over datasets is made of datasets, aliases and conditions, not {objects!r}")
        self.objects: list[BaseDataset] = [
            DatasetAliasCondition(part.name) if isinstance(part, DatasetAlias) else part for part in objects
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.objects))})"

    def as_expression(self) -> Any:
        """The parts' expressions under ``any`` or ``all``."""
        return {self.word: [part.as_expression() for part in self.objects]}

    def evaluate(self, statuses: Mapping[str, bool]) -> bool:
        """The parts' truths, joined."""
        return self._joined(part.evaluate(statuses) for part in self.objects)

    def _joined(self, truths: Iterable[bool]) -> bool:
        raise NotImplementedError

    def iter_datasets(self) -> Iterator[tuple[str, Dataset]]:
        """The parts' datasets, the first of each URI."""
        seen: set[str] = set()
        for part in self.objects:
            for uri, dataset in part.iter_datasets():
                if uri not in seen:
                    seen.add(uri)
                    yield uri, dataset

    def iter_dataset_aliases(self) -> Iterator[DatasetAlias]:
        """The parts' aliases."""
        for part in self.objects:
            yield from part.iter_dataset_aliases()

    def iter_dag_dependencies(self, *, source: str, target: str) -> Iterator[DagDependency]:
        """The parts' edges."""
        for part in self.objects:
            yield from part.iter_dag_dependencies(source=source, target=target)


class DatasetAny(_Condition):
    """Holds when one part does: ``a | b``."""

    word = "any"

    def _joined(self, truths: Iterable[bool]) -> bool:
        return any(truths)

    def __or__(self, other: BaseDataset) -> BaseDataset:
        return DatasetAny(*self.objects, other) if isinstance(other, BaseDataset) else NotImplemented


class DatasetAll(_Condition):
    """Holds when all parts do: ``a & b``."""

    word = "all"

    def _joined(self, truths: Iterable[bool]) -> bool:
        return all(truths)

    def __and__(self, other: BaseDataset) -> BaseDataset:
        return DatasetAll(*self.objects, other) if isinstance(other, BaseDataset) else NotImplemented


class DatasetAliasCondition(DatasetAny):
    """An alias within a condition: any of the datasets it stands for now."""

    def __init__(self, name: str, datasets: Sequence[Dataset] | None = None) -> None:
        self.name = name
        self.objects = list(expand_alias_to_datasets(name) if datasets is None else datasets)

    def as_expression(self) -> Any:
        """The alias's name under ``alias``."""
        return {"alias": self.name}

    def iter_dataset_aliases(self) -> Iterator[DatasetAlias]:
        """The alias."""
        yield DatasetAlias(self.name)

    def iter_dag_dependencies(self, *, source: str = "", target: str = "") -> Iterator[DagDependency]:
        """Edges through each dataset the alias stands for; one edge with the alias while there is none."""
        node = f"dataset-alias:{self.name}"
        if not self.objects:
            yield from DatasetAlias(self.name).iter_dag_dependencies(source=source, target=target)
        for uri, _ in self.iter_datasets():
            ends = (node, "dataset") if source else ("dataset", node)
            yield DagDependency(*ends, "dataset", uri)
            yield DagDependency(source or f"dataset:{uri}", target or f"dataset:{uri}", "dataset-alias", self.name)


class Metadata:
    """What a task yields to give the event of one of its outlets an ``extra``.

    ``target`` is a Dataset or, deprecated, a URI; ``alias`` the alias through which it is written.
    """

    def __init__(self, target: str | Dataset, extra: dict[str, Any], alias: DatasetAlias | str | None = None) -> None:
        if isinstance(target, str):
            warnings.warn("Give Metadata a Dataset, not its URI.", DeprecationWarning, stacklevel=2)
        if isinstance(alias, str):
            warnings.warn("Give Metadata a DatasetAlias, not its name.", DeprecationWarning, stacklevel=2)
        self.uri = extract_event_key(target)
        self.extra = extra
        self.alias_name = alias.name if isinstance(alias, DatasetAlias) else alias

    def __repr__(self) -> str:
        return f"Metadata(uri={self.uri!r}, extra={self.extra!r}, alias_name={self.alias_name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Metadata):
            return NotImplemented
        return (self.uri, self.extra, self.alias_name) == (other.uri, other.extra, other.alias_name)

    __hash__ = None  # type: ignore[assignment]  # extra is a dict


def sanitize_uri(uri: str) -> str:
    """The URI as it is stored.

    The scheme is in lower case, the query sorted; user, password, fragment and slashes at the end are dropped.
    A text without scheme, and schemes that begin with ``x-``, stay as they are. Raises ValueError for an empty,
    blank or non-ASCII text and for the reserved scheme ``airflow``.
    """
    if not uri.strip():
        raise ValueError(f"A dataset needs a URI; {uri!r} is blank")
    if not uri.isascii():
        raise ValueError(f"The dataset URI {uri!r} has characters other than ASCII: write them as %XX")
    parsed = urllib.parse.urlsplit(uri)
    scheme = parsed.scheme.lower()
    if not scheme or scheme.startswith("x-"):
        return uri
    if scheme == "airflow":
        raise ValueError(f"The scheme of {uri!r} is the system's own: choose another one")
    _, has_login, place = parsed.netloc.rpartition("@")
    if has_login:
        warnings.warn("The user and password in a dataset URI were dropped. Leave them out.", UserWarning, stacklevel=3)
    query = urllib.parse.urlencode(sorted(urllib.parse.parse_qsl(parsed.query))) if parsed.query else ""
    return urllib.parse.urlunsplit((scheme, place, parsed.path.rstrip("/") or "/", query, ""))


def extract_event_key(value: str | Dataset | DatasetAlias) -> str:
    """The key of an inlet's or outlet's events: the alias's name, the dataset's URI, or the text as a URI."""
    if isinstance(value, DatasetAlias):
        return value.name
    return value.uri if isinstance(value, Dataset) else sanitize_uri(str(value))


def expand_alias_to_datasets(alias: str | DatasetAlias) -> list[Dataset]:
    """The datasets that tasks have attached to the alias so far, asked through the store port."""
    name = alias.name if isinstance(alias, DatasetAlias) else alias
    return [Dataset(value["uri"], value["extra"]) for value in store.current().get_alias_datasets(name)]


def encode_condition(condition: BaseDataset) -> Any:
    """The condition as JSON; None for none."""
    if isinstance(condition, Dataset):
        return {"uri": condition.uri, "extra": condition.extra}
    if isinstance(condition, DatasetAlias | DatasetAliasCondition):
        return {"alias": condition.name}
    if isinstance(condition, _Condition):
        return {condition.word: [encode_condition(part) for part in condition.objects]}
    if isinstance(condition, NullDataset):
        return None
    raise TypeError(f"{condition!r} is not a dataset, an alias, or a condition over them.")


def decode_condition(document: Any, resolve: AliasResolver | None = None) -> BaseDataset:
    """The reverse of ``encode_condition``; ``resolve`` says what an alias stands for (default: the store port)."""
    match document:
        case None:
            return NullDataset()
        case {"uri": str(uri)}:
            return Dataset(uri, document.get("extra"))
        case {"alias": str(name)}:
            return DatasetAliasCondition(name, None if resolve is None else resolve(name))
        case {"any": list(parts)}:
            return DatasetAny(*(decode_condition(part, resolve) for part in parts))
        case {"all": list(parts)}:
            return DatasetAll(*(decode_condition(part, resolve) for part in parts))
        case _:
            raise ValueError(f"{document!r} is not a condition over datasets.")
