"""Records per output place, and the input offsets that they settle."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from shared.bus.ports import Batch, Outgoing, Place


@dataclass(slots=True)
class Outputs:
    """Batches of records per output place, and the input offsets that they settle."""

    records: dict[Place, list[Batch]] = field(default_factory=lambda: defaultdict(list))
    settles: dict[Place, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, place: Place, *records: Outgoing) -> None:
        """``records`` go to ``place``, in one batch with those added there just before."""
        batches = self.records[place]
        if batches and isinstance(batches[-1], list):
            batches[-1] += records
        else:
            batches.append(list(records))
