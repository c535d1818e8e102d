"""Records that go together, each on the partition of its account."""

from __future__ import annotations

from shared.bus.loader import Partitions
from shared.bus.ports import Outgoing, Place


class Spread:
    """``places`` has the records of each partition in the order in which they were added."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self.places: dict[Place, list[Outgoing]] = {}

    def add(self, topic: str, account: bytes, record: Outgoing) -> None:
        """``record`` goes to ``topic``, where all of ``account`` goes."""
        self.places.setdefault(Place(topic, self._partitions[account]), []).append(record)
