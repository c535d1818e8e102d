"""What writers of the house ask of a clock; the real one is handed in."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """What tells the time of an entry."""

    def now_ms(self) -> int: ...
