"""The only place that asks what time it is; everything else is given a `Clock`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells UTC time in whole milliseconds since 1970."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds; it may jump when the machine's clock is set."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock for tests: it moves only when told."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """The time it was set to."""
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        """Move by ``by_ms``; a negative number moves back."""
        self._now_ms += by_ms
