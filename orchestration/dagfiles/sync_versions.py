"""The serialised form of the DAGs of one file: a new version when the shape changes, else the present one renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db.models import Max

from orchestration.dagfiles.protocol import ParsedDag
from orchestration.dagfiles.shape import digests
from orchestration.models import Dag, DagSource, DagVersion
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.values import SerializedDag

#: Versions of a DAG that are kept beside the present one and those that runs hold on to.
KEPT_UNUSED = 10


@dataclass(slots=True)
class Written:
    """How many versions were made and renewed."""

    made: int = 0
    renewed: int = 0


def decoded(parsed: dict[str, ParsedDag], errors: dict[str, str]) -> dict[str, SerializedDag]:
    """The DAGs as values; a document that cannot be decoded becomes an error of its file and is taken out."""
    found: dict[str, SerializedDag] = {}
    for dag_id, dag in list(parsed.items()):
        try:
            found[dag_id] = decode_dag(dag.document)
        except Exception as error:
            errors[str(dag.document["fileloc"])] = f"{type(error).__name__}: DAG {dag_id} cannot be read back: {error}"
            del parsed[dag_id]
    return found


def write(
    rows: Mapping[str, Dag],
    present: Mapping[str, SerializedDag],
    parsed: Mapping[str, ParsedDag],
    sources: Mapping[str, DagSource],
    contents: dict[int, str],
    now: datetime,
) -> Written:
    """Make or renew versions and point the rows to them (the rows are not saved here)."""
    written = Written()
    stored = _stored(rows, parsed, contents)
    numbers: dict[str, int] | None = None
    made: list[DagVersion] = []
    renewed: list[DagVersion] = []
    for dag_id, dag in present.items():
        source = sources.get(dag.fileloc)
        version = stored.get((dag_id, parsed[dag_id].shape))
        if version is None:
            if numbers is None:
                numbers = _highest(present)
            version = DagVersion(
                dag_id=dag_id,
                number=numbers.get(dag_id, 0) + 1,
                digest=parsed[dag_id].shape,
                document=cast(Any, parsed[dag_id].document),
                source=source,
                created_at=now,
                updated_at=now,
            )
            made.append(version)
        elif contents.get(version.pk) != parsed[dag_id].digest or (source and version.source_id != source.pk):
            version.document = cast(Any, parsed[dag_id].document)
            version.source = source or version.source
            version.updated_at = now
            renewed.append(version)
        if source is not None:
            rows[dag_id].source = source
        stored[dag_id, parsed[dag_id].shape] = version
    DagVersion.objects.bulk_create(made)
    DagVersion.objects.bulk_update(renewed, ["document", "source", "updated_at"], batch_size=50)
    for dag_id in present:
        version = stored[dag_id, parsed[dag_id].shape]
        rows[dag_id].current_version = version
        contents[version.pk] = parsed[dag_id].digest
    for version in (*made, *renewed):
        row = rows[version.dag_id]
        row.put_aside_reason, row.put_aside_until = "", None  # it may have been mended
    _prune({version.dag_id for version in made if version.number > KEPT_UNUSED})
    written.made, written.renewed = len(made), len(renewed)
    return written


def _stored(
    rows: Mapping[str, Dag], parsed: Mapping[str, ParsedDag], contents: dict[int, str]
) -> dict[tuple[str, str], DagVersion]:
    """(DAG id, shape) → the version of that shape, without its document; fills ``contents`` for those not known yet."""
    query = DagVersion.objects.filter(dag_id__in=list(parsed), digest__in=[dag.shape for dag in parsed.values()])
    found = {
        (version.dag_id, version.digest): version
        for version in query.defer("document").order_by("number")
        if version.digest == parsed[version.dag_id].shape
    }
    unknown = [version.pk for version in found.values() if version.pk not in contents]
    for version in DagVersion.objects.filter(pk__in=unknown).only("document"):
        contents[version.pk] = digests(cast(Any, version.document))[1]
    return found


def _highest(dag_ids: Mapping[str, object]) -> dict[str, int]:
    query = DagVersion.objects.filter(dag_id__in=list(dag_ids)).order_by()
    return dict(query.values_list("dag_id").annotate(Max("number")))


def _prune(dag_ids: set[str]) -> None:
    """Drop old versions that nothing uses, so that a DAG whose shape is made of chance does not fill the table."""
    for dag_id in dag_ids:
        in_use = Dag.objects.filter(pk=dag_id).values("current_version")
        unused = DagVersion.objects.filter(dag_id=dag_id, runs=None).exclude(pk__in=in_use).order_by("-number")
        DagVersion.objects.filter(pk__in=list(unused.values_list("pk", flat=True)[KEPT_UNUSED:])).delete()
