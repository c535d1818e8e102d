"""A stretch of time and how busy the world is in it."""

from __future__ import annotations

from typing import Final, NamedTuple

from .chance import Floats, Integers

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000


class Span(NamedTuple):
    """The event time from ``from_ms`` up to ``to_ms``, and the life of the world that passes in it.

    Two clocks: hours and weekdays are those of event time; what lasts (trips, phones, flats, pay days, mules)
    goes by the life clock, which stands at ``life_ms`` and runs ``pace`` times faster. In a history both are
    one clock and a span is a whole UTC day. Live, a span lies within one hour and ``pace`` is what makes
    the wanted number of payments, at any hour of the day.
    """

    from_ms: int
    to_ms: int
    life_ms: float
    pace: float
    is_live: bool = True

    @property
    def days(self) -> float:
        """Days of the world's life that pass."""
        return self.pace * (self.to_ms - self.from_ms) / DAY_MS

    @property
    def life_day(self) -> int:
        """The day of the life clock, counted from 1970."""
        return int(self.life_ms // DAY_MS)

    @property
    def hour(self) -> int:
        """The hour of the UTC day at which it begins."""
        return self.from_ms // HOUR_MS % 24

    def life_days_at(self, time_ms: Integers) -> Floats:
        """The life clock at event times (n,), in days from 1970."""
        days: Floats = (self.life_ms + (time_ms - self.from_ms) * self.pace) / DAY_MS
        return days

    def time_of(self, life_days: Floats) -> Integers:
        """The event times (n,) at which the life clock shows ``life_days``."""
        ahead_ms = (life_days * DAY_MS - self.life_ms) / self.pace
        times: Integers = (self.from_ms + ahead_ms).astype("int64")
        return times


def whole_day(day: int) -> Span:
    """A UTC day of the past, counted from 1970."""
    return Span(day * DAY_MS, (day + 1) * DAY_MS, float(day * DAY_MS), 1.0, is_live=False)
