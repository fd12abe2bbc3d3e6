"""How many instances a mapped task has: pure arithmetic over the lengths of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from orchestration.serialization.values import (
    ConcatLength,
    Expansion,
    LengthExpression,
    LiteralLength,
    SerializedDag,
    XComLength,
    ZipLength,
)

#: Gives the length of what a task pushed under a key; None while it is not known.
LengthOf = Callable[[str, str], int | None]


def expression_length(expression: LengthExpression, length_of: LengthOf) -> int | None:
    """The length of one mapped argument; None while an XCom it needs is not known."""
    match expression:
        case LiteralLength(length):
            return length
        case XComLength(task_id, key):
            return length_of(task_id, key)
        case ZipLength(parts, is_longest):
            lengths = [expression_length(part, length_of) for part in parts]
            known = [length for length in lengths if length is not None]
            if len(known) < len(lengths):
                return None
            return (max if is_longest else min)(known, default=0)
        case ConcatLength(parts):
            lengths = [expression_length(part, length_of) for part in parts]
            known = [length for length in lengths if length is not None]
            return sum(known) if len(known) == len(lengths) else None


def expansion_count(expansion: Expansion, length_of: LengthOf) -> int | None:
    """How many instances one expansion makes; None while it is not known."""
    lengths = [expression_length(expression, length_of) for expression in expansion.lengths.values()]
    known = [length for length in lengths if length is not None]
    return prod(known) if len(known) == len(lengths) else None


def instance_count(dag: SerializedDag, task_id: str, length_of: LengthOf) -> int | None:
    """How many instances a task has in a run: its own expansion times those of the mapped groups around it.

    1 for a task that is not multiplied; None while a length is not known.
    """
    expansions = [group.expansion for group in dag.mapped_groups(task_id)] + [dag.tasks[task_id].expansion]
    counts = [expansion_count(expansion, length_of) for expansion in expansions if expansion is not None]
    known = [count for count in counts if count is not None]
    return prod(known) if len(known) == len(counts) else None


def literal_count(dag: SerializedDag, task_id: str) -> int | None:
    """How many instances the DAG file alone decides; None for a task that is not multiplied, or needs an XCom."""
    if not dag.is_multiplied(task_id):
        return None
    return instance_count(dag, task_id, lambda _task, _key: None)
