"""What was copied, what was here already, and what was left and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

#: How many names are told with each reason.
_EXAMPLES = 3


@dataclass(slots=True)
class Tally:
    """The count of one kind of rows."""

    kind: str
    copied: int = 0
    present: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def leave(self, reason: str, name: str = "", times: int = 1) -> None:
        """Count something that is not copied."""
        self.reasons[reason] += times
        if name and len(self.examples[reason]) < _EXAMPLES:
            self.examples[reason].append(name)

    def add(self, other: Tally) -> None:
        """Add what was counted apart, after this."""
        self.copied += other.copied
        self.present += other.present
        self.reasons.update(other.reasons)
        for reason, names in other.examples.items():
            self.examples[reason] = (self.examples[reason] + names)[:_EXAMPLES]

    @property
    def left(self) -> int:
        """How many rows, or parts of rows, were not copied."""
        return self.reasons.total()

    def sentences(self) -> Iterator[str]:
        """One line for each reason."""
        for reason, times in self.reasons.items():
            named = self.examples[reason]
            more = ", …" if times > len(named) else ""
            yield f"{self.kind}: {times} × {reason}" + (f" ({', '.join(named)}{more})" if named else "")


class Report:
    """The tallies of one copy, in the order of the kinds."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}

    def of(self, kind: str) -> Tally:
        """The tally of a kind."""
        return self.tallies.setdefault(kind, Tally(kind))

    def add(self, other: Report) -> None:
        """Add what was counted apart, after this."""
        for kind, tally in other.tallies.items():
            self.of(kind).add(tally)

    def rows(self) -> list[dict[str, object]]:
        """For a table."""
        return [
            {"kind": t.kind, "copied": t.copied, "here already": t.present, "left": t.left}
            for t in self.tallies.values()
        ]

    def sentences(self) -> list[str]:
        """Why something was left."""
        return [sentence for tally in self.tallies.values() for sentence in tally.sentences()]
