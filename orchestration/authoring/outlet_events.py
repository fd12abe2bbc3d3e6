"""Dataset events in a task: ``outlet_events[…].extra``, ``inlet_events[…]``, ``triggering_dataset_events``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestration.authoring import store, timezone
from orchestration.authoring.datasets import Dataset, DatasetAlias, DatasetAliasEvent, extract_event_key

if TYPE_CHECKING:
    from pendulum import DateTime

    from orchestration.authoring.datasets import Metadata


@dataclass
class OutletEventAccessor:
    """What a task notes for the event of one outlet; for an alias the datasets it stands for this time."""

    raw_key: str | Dataset | DatasetAlias
    extra: dict[str, Any] = field(default_factory=dict)
    dataset_alias_events: list[DatasetAliasEvent] = field(default_factory=list)

    def add(self, dataset: Dataset | str, extra: dict[str, Any] | None = None) -> None:
        """Make an event for a dataset through this alias."""
        key = self.raw_key
        alias = key.name if isinstance(key, DatasetAlias) else key if isinstance(key, str) else None
        uri = dataset.uri if isinstance(dataset, Dataset) else dataset if isinstance(dataset, str) else None
        if alias is not None and uri is not None:
            self.dataset_alias_events.append(
                DatasetAliasEvent(source_alias_name=alias, dest_dataset_uri=uri, extra=extra or {})
            )


class OutletEventAccessors(Mapping[Any, OutletEventAccessor]):
    """The context's ``outlet_events``: a note for each outlet that is asked for."""

    def __init__(self) -> None:
        self._notes: dict[str, OutletEventAccessor] = {}

    def __repr__(self) -> str:
        return f"OutletEventAccessors({self._notes!r})"

    def __iter__(self) -> Iterator[str]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

    def __getitem__(self, key: str | Dataset | DatasetAlias) -> OutletEventAccessor:
        return self._notes.setdefault(extract_event_key(key), OutletEventAccessor(raw_key=key))

    def note(self, metadata: Metadata) -> None:
        """Take over what a task yielded as ``Metadata``."""
        self[metadata.uri].extra.update(metadata.extra)
        if metadata.alias_name:
            self[metadata.alias_name].add(metadata.uri, extra=metadata.extra)


def context_get_outlet_events(context: Any) -> OutletEventAccessors:
    """The context's notes; new ones where it has none."""
    found = context.get("outlet_events") if hasattr(context, "get") else None
    return found if isinstance(found, OutletEventAccessors) else OutletEventAccessors()


@dataclass(frozen=True)
class DatasetEvent:
    """An event of a dataset, with what made it (None where an API call did)."""

    id: int
    uri: str
    extra: dict[str, Any]
    source_dag_id: str | None
    source_task_id: str | None
    source_run_id: str | None
    source_map_index: int
    timestamp: DateTime

    @classmethod
    def of(cls, value: store.DatasetEventValue) -> DatasetEvent:
        """The event of the store's value."""
        fields: dict[str, Any] = {
            **value,
            "timestamp": timezone.parse(value["timestamp"]),
            "extra": value["extra"] or {},
        }
        return cls(**fields)

    @property
    def dataset(self) -> Dataset:
        """The dataset."""
        return Dataset(self.uri)

    @property
    def source_dag_run(self) -> Any:
        """The run that made the event; None for an API call."""
        from orchestration.authoring.dagrun import DagRun

        if self.source_dag_id is None or self.source_run_id is None:
            return None
        found = DagRun.find(dag_id=self.source_dag_id, run_id=self.source_run_id)
        return found[0] if found else None

    @property
    def source_task_instance(self) -> Any:
        """The task instance that made the event; None for an API call."""
        from orchestration.authoring.taskinstance import TaskInstance

        if self.source_dag_id is None or self.source_task_id is None or self.source_run_id is None:
            return None
        return TaskInstance.find_one(self.source_dag_id, self.source_run_id, self.source_task_id, self.source_map_index)


class _EventSequence(Sequence[DatasetEvent]):
    """The events of one dataset or alias, oldest first; asked for once, when first looked at."""

    def __init__(self, *, uri: str | None = None, alias: str | None = None) -> None:
        self._uris = () if uri is None else (uri,)
        self._alias = alias

    @cached_property
    def _events(self) -> list[DatasetEvent]:
        found = store.current().get_dataset_events(uris=self._uris, alias=self._alias)
        return [DatasetEvent.of(value) for value in found]

    def __getitem__(self, index: Any) -> Any:
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        return repr(self._events)


class InletEventsAccessors(Mapping[Any, Sequence[DatasetEvent]]):
    """The context's ``inlet_events``: by dataset, alias, URI or position among the inlets."""

    def __init__(self, inlets: list[Any]) -> None:
        self._inlets = inlets
        self._uris = {inlet.uri for inlet in inlets if isinstance(inlet, Dataset)}
        self._aliases = {inlet.name for inlet in inlets if isinstance(inlet, DatasetAlias)}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inlets)

    def __len__(self) -> int:
        return len(self._inlets)

    def __getitem__(self, key: Any) -> Sequence[DatasetEvent]:
        wanted = self._inlets[key] if isinstance(key, int) else key
        if isinstance(wanted, DatasetAlias):
            if wanted.name not in self._aliases:
                raise KeyError(wanted.name)
            return _EventSequence(alias=wanted.name)
        if isinstance(wanted, (Dataset, str)):
            uri = extract_event_key(wanted)
            if uri not in self._uris:
                raise KeyError(uri)
            return _EventSequence(uri=uri)
        raise IndexError(key) if isinstance(key, int) else ValueError(key)


def triggering_events(run_database_id: int) -> dict[str, list[DatasetEvent]]:
    """The events that made a run, by URI."""
    found: dict[str, list[DatasetEvent]] = {}
    for value in store.current().get_dataset_events(triggered_run_id=run_database_id):
        found.setdefault(value["uri"], []).append(DatasetEvent.of(value))
    return found
