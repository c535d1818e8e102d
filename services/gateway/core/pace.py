"""How much may be under way at once: less while answers are slow, more again after."""

from __future__ import annotations

from typing import Final

CUT: Final = 0.8


class Pace:
    """A limit between ``least`` and ``most``: additive increase, multiplicative decrease (Chiu, Jain 1989).

    A house that is asked for more than it can do answers everybody late if it lets all of it in. An answer
    within ``slow_ms`` raises the limit by one part of itself, so by one for as many answers as it lets in;
    a slower one cuts it to `CUT`, once in ``slow_ms``. Times are ms of one clock.
    """

    def __init__(self, least: int, most: int, slow_ms: float) -> None:
        self._least, self._most, self._slow_ms = min(least, most), most, slow_ms
        self._limit = float(most)
        self._cut_ms = float("-inf")

    @property
    def limit(self) -> int:
        """How much may be under way now."""
        return int(self._limit)

    def answered(self, now_ms: float, took_ms: float) -> None:
        """Something under way ended after ``took_ms``, well or not."""
        if took_ms <= self._slow_ms:
            self._limit = min(self._most, self._limit + 1 / self._limit)
        elif now_ms - self._cut_ms >= self._slow_ms:
            self._limit = max(self._least, self._limit * CUT)
            self._cut_ms = now_ms
