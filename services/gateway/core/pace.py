"""How much may be under way at once: less while answers queue, more again after."""

from __future__ import annotations

from typing import Final

CUT: Final = 0.8
RISE: Final = 1.15
WINDOW_MS: Final = 100
WINDOW_ANSWERS: Final = 8
"""Fewer say nothing of a queue: a lone slow answer was slow by itself."""


class Pace:
    """A limit between ``least`` and ``most`` that follows the quickest answer of a window of time.

    A house that is asked for more than it can do answers everybody late if it lets all of it in. A stall
    makes answers late too, but what waited through it is soon gone; a standing queue makes late even the
    quickest answer of a whole window (Nichols and Jacobson, "Controlling Queue Delay", 2012). So a window
    of `WINDOW_MS` and at least `WINDOW_ANSWERS` answers cuts the limit to `CUT` when its quickest one took
    longer than ``slow_ms``, and raises it by `RISE` otherwise. Times are ms of one clock.
    """

    def __init__(self, least: int, most: int, slow_ms: float) -> None:
        self._least, self._most, self._slow_ms = min(least, most), most, slow_ms
        self._limit = float(most)
        self._began_ms = 0.0
        self._answers, self._quickest_ms = 0, float("inf")

    @property
    def limit(self) -> int:
        """How much may be under way now."""
        return int(self._limit)

    def answered(self, now_ms: float, took_ms: float) -> None:
        """Something under way ended after ``took_ms``, well or not."""
        if not self._answers:
            self._began_ms = now_ms
        self._answers += 1
        self._quickest_ms = min(self._quickest_ms, took_ms)
        if self._answers >= WINDOW_ANSWERS and now_ms - self._began_ms >= WINDOW_MS:
            self._turn()

    def _turn(self) -> None:
        if self._quickest_ms > self._slow_ms:
            self._limit = max(self._least, self._limit * CUT)
        else:
            self._limit = min(self._most, self._limit * RISE)
        self._answers, self._quickest_ms = 0, float("inf")
