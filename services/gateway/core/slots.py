"""How much may be under way at once, in all and for one key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .pace import Pace
from .refusal import Refused

AGAIN_S: Final = 1.0
KEY_SHARE: Final = 0.75
"""Of all slots, for one key: a greedy one leaves a quarter to the others."""


class Slots:
    """Counts what is under way; refuses (`overloaded`) what does not fit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_key: dict[str, int] = {}
        self.taken = 0

    @property
    def limit(self) -> int:
        """How many there are now."""
        return self._limit

    def look(self, key_id: str, count: int = 1) -> None:
        """Refuse now what would not fit now. Raises Refused."""
        limit = self.limit
        key_limit = max(1, int(limit * KEY_SHARE))
        if self.taken + count > limit or self._by_key.get(key_id, 0) + count > key_limit:
            raise Refused("overloaded", retry_after_s=AGAIN_S)

    @contextmanager
    def held(self, key_id: str, count: int = 1) -> Iterator[None]:
        """Hold ``count`` slots. Raises Refused."""
        self.look(key_id, count)
        self.taken += count
        self._by_key[key_id] = self._by_key.get(key_id, 0) + count
        try:
            yield
        finally:
            self.taken -= count
            left = self._by_key.pop(key_id, 0) - count  # who holds none may find the others gone
            if left:
                self._by_key[key_id] = left


class PacedSlots(Slots):
    """As many as ``pace`` lets in."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(pace.limit)
        self._pace = pace

    @property
    def limit(self) -> int:
        """How many there are now."""
        return self._pace.limit

    def answered(self, now_ms: float, took_ms: float) -> None:
        """As `Pace.answered` says."""
        self._pace.answered(now_ms, took_ms)
