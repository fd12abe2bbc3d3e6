"""Pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from api_v1.filters.pools import PoolListParameters, PoolPatchParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import Problem, bad_request
from api_v1.rows import Row
from api_v1.serializers.pools import PoolAnswer, PoolBody, PoolCollection, pool_row, pool_rows
from api_v1.viewsets.base import OperationViewSet
from orchestration.models import Pool
from orchestration.models.pool import DEFAULT_POOL
from orchestration.services import pools

_ORDER = ("name", "slots", "id")
_REQUIRED = ("name", "slots")
#: What may change of default_pool when its name is not sent.
_OF_DEFAULT = frozenset({"slots", "include_deferred"})
_SETTABLE = frozenset({"name", "slots", "description", "include_deferred"})


class PoolViewSet(OperationViewSet):
    """Pools: named sets of slots that running tasks share."""

    operations = (
        Operation(
            "get_pools",
            "list",
            PoolListParameters,
            answer=PoolCollection,
            tag="Pool",
            summary="List pools",
        ),
        Operation(
            "post_pool",
            "create",
            body=PoolBody,
            answer=PoolAnswer,
            codes=(409,),
            event="post_pool",
            tag="Pool",
            summary="Create a pool",
        ),
        Operation(
            "get_pool",
            "retrieve",
            answer=PoolAnswer,
            codes=(404,),
            tag="Pool",
            summary="Get a pool",
        ),
        Operation(
            "patch_pool",
            "partial_update",
            PoolPatchParameters,
            body=PoolBody,
            answer=PoolAnswer,
            codes=(404, 409),
            event="patch_pool",
            tag="Pool",
            summary="Update a pool",
        ),
        Operation(
            "put_pool",
            "update",
            body=PoolBody,
            answer=PoolAnswer,
            codes=(404, 405, 409),  # 405: the default pool
            event="patch_pool",
            tag="Pool",
            summary="Update a pool (short form)",
        ),
        Operation(
            "delete_pool",
            "destroy",
            status=204,
            codes=(404,),
            event="delete_pool",
            tag="Pool",
            summary="Delete a pool",
        ),
    )

    def list(self) -> HttpResponse:
        """Pools and how full they are."""
        part = page(self.query)
        rows = Pool.objects.all()
        total = rows.count()
        chosen = part.of(order(rows, self.query.get("order_by"), _ORDER, default="id", key="id"))
        return self.paged({"pools": pool_rows(chosen), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a pool."""
        self._require(_REQUIRED)
        return pool_row(pools.create(actor=self.caller, **self.load()))

    def retrieve(self) -> Row:
        """One pool."""
        return pool_row(pools.find(self.kwargs["pool_name"]))

    def partial_update(self) -> Row:
        """Change a pool. Without ``update_mask`` name and slots must be sent; ``include_deferred`` not sent is off."""
        mask = self.query.get("update_mask")
        chosen = None if mask is None else [name.strip() for name in mask]
        is_default = self.kwargs["pool_name"] == DEFAULT_POOL
        if is_default and self._sent_name() != DEFAULT_POOL and not (chosen and _OF_DEFAULT.issuperset(chosen)):
            raise bad_request("Default Pool's name can't be modified")
        pool = pools.find(self.kwargs["pool_name"])
        values: dict[str, Any] = {"include_deferred": False, **self.load()}
        if chosen is None:
            self._require(_REQUIRED)
        else:
            values = _masked(values, ["name" if name == "pool_id" else name for name in chosen])
        return pool_row(pools.update(pool, actor=self.caller, **values))

    def update(self) -> Row:
        """Change what is sent. The default pool cannot be put: the reference has no PUT, and clients try it there."""
        if self.kwargs["pool_name"] == DEFAULT_POOL:
            raise Problem(405, "The default pool is changed with PATCH.")
        values = self.load()
        return pool_row(pools.update(pools.find(self.kwargs["pool_name"]), actor=self.caller, **values))

    def destroy(self) -> None:
        """Delete a pool."""
        if self.kwargs["pool_name"] == DEFAULT_POOL:
            raise bad_request("Default Pool can't be deleted")
        pools.delete(pools.find(self.kwargs["pool_name"]), actor=self.caller)

    def _sent_name(self) -> Any:
        return self.body.get("name", self.body.get("pool_id"))

    def _require(self, names: tuple[str, ...]) -> None:
        sent = {PoolBody.aliases.get(name, name) for name in self.body}
        missing = [name for name in names if name not in sent]
        if missing:
            raise bad_request(f"Missing required property(ies): {missing}")


def _masked(values: dict[str, Any], mask: Sequence[str]) -> dict[str, Any]:
    for name in mask:
        if name not in _SETTABLE or name not in values:
            raise bad_request(f"Invalid field: {name[:100]} in update mask")
    return {name: values[name] for name in mask}
