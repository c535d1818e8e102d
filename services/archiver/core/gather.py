"""What was taken and not yet written: grouped by topic, bounded in rows, bytes and age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.contracts.places import Place as Place

from .coordinates import is_tick
from .shapes import Message

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Limits:
    """When to write: ``rows`` of one topic, ``size_bytes`` of all, or the oldest is ``age_ms`` old."""

    rows: int
    size_bytes: int
    age_ms: int


@dataclass(slots=True)
class Gathered(Generic[M]):
    """Messages by topic in the order taken, ticks left out; ``ends`` counts ticks too.

    ``ends`` is the offset after the last message taken of each partition.
    """

    messages: dict[str, list[M]] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    size_bytes: int = 0
    since_ms: int | None = None

    def add(self, taken: Mapping[Place, Sequence[M]], now_ms: int) -> None:
        """Take in ``taken``, each partition in offset order."""
        for place, messages in taken.items():
            kept = [m for m in messages if not is_tick(m)]
            self.messages.setdefault(place.topic, []).extend(kept)
            self.size_bytes += sum([len(m.value or b"") for m in kept])
            if messages:
                self.ends[place] = messages[-1].offset + 1
                self.since_ms = now_ms if self.since_ms is None else self.since_ms

    def is_due(self, limits: Limits, now_ms: int) -> bool:
        """Whether it is time to write."""
        if self.since_ms is None:
            return False
        return (
            now_ms - self.since_ms >= limits.age_ms
            or self.size_bytes >= limits.size_bytes
            or any(len(messages) >= limits.rows for messages in self.messages.values())
        )

    def ends_of(self, topic: str) -> dict[Place, int]:
        """The offsets reached in ``topic``."""
        return {place: end for place, end in self.ends.items() if place.topic == topic}
