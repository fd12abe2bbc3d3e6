"""Pools: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, Text, Truth, Whole
from orchestration.models import Pool
from orchestration.services import pools

#: Counts of slots, which nobody sends.
_COUNTS = ("occupied_slots", "running_slots", "queued_slots", "scheduled_slots", "open_slots", "deferred_slots")


class PoolBody(BodySerializer):
    """A pool."""

    name = Text(required=False, help_text="The name of the pool.")
    slots = Whole(required=False, help_text="The number of slots; -1 is no limit.")
    description = Text(required=False, allow_null=True, help_text="The description of the pool.")
    include_deferred = Truth(required=False, help_text="Whether deferred tasks hold their slots.")

    unsettable: ClassVar = frozenset(_COUNTS)
    aliases: ClassVar = {"pool_id": "name"}


class PoolAnswer(serializers.Serializer[Any]):
    """Pool."""

    name = serializers.CharField(help_text="The name of the pool.")
    pool_id = serializers.CharField(help_text="The same.")
    slots = serializers.IntegerField(help_text="The number of slots; -1 is no limit.")
    occupied_slots = serializers.IntegerField(read_only=True, help_text="Slots of running and queued tasks.")
    running_slots = serializers.IntegerField(read_only=True, help_text="Slots of running tasks.")
    queued_slots = serializers.IntegerField(read_only=True, help_text="Slots of queued tasks.")
    scheduled_slots = serializers.IntegerField(read_only=True, help_text="Slots that scheduled tasks wait for.")
    open_slots = serializers.IntegerField(read_only=True, help_text="Free slots; -1 is no limit.")
    deferred_slots = serializers.IntegerField(read_only=True, help_text="Slots of deferred tasks.")
    description = serializers.CharField(allow_null=True, help_text="The description of the pool.")
    include_deferred = serializers.BooleanField(help_text="Whether deferred tasks hold their slots.")


class PoolCollection(serializers.Serializer[Any]):
    """Collection of pools."""

    pools = PoolAnswer(many=True)
    total_entries = serializers.IntegerField()


def pool_rows(rows: Iterable[Pool]) -> list[Row]:
    """Pools as they are answered; two queries, the second for their use."""
    found = list(rows)
    usage = pools.usage(pool.name for pool in found)
    return [_row(pool, usage[pool.name]) for pool in found]


def pool_row(pool: Pool) -> Row:
    """One pool; one query."""
    return pool_rows([pool])[0]


def _row(pool: Pool, used: pools.Usage) -> Row:
    return {
        "name": pool.name,
        "pool_id": pool.name,
        "slots": pool.slots,
        "occupied_slots": used.occupied(pool),
        "running_slots": used.running,
        "queued_slots": used.queued,
        "scheduled_slots": used.scheduled,
        "open_slots": used.open(pool),
        "deferred_slots": used.deferred,
        "description": pool.description,
        "include_deferred": pool.include_deferred,
    }
