"""Local hours and days of event times, from offsets that are data, not a look into the system's zones.

Pure code reads no zone files, so a portfolio in a zone with summer time carries its own table of offsets;
it belongs to the feature set's hash, and a zone-data update can never change an old decision.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
_THURSDAY: Final = 3  # weekday of 1970-01-01, Monday is 0

_FIXED: Final = re.compile(r"([+-])([01][0-9]):([0-5][0-9])")


class TimeOffset(Struct, frozen=True, forbid_unknown_fields=True):
    """From this instant on, local time is UTC plus ``minutes``."""

    since: datetime
    minutes: int


class Calendar(Struct, frozen=True):
    """UTC offsets by instant: ``offset_ms[i]`` holds from ``since_ms[i]`` on; the first also before."""

    since_ms: tuple[int, ...] = (0,)
    offset_ms: tuple[int, ...] = (0,)

    def local_ms(self, event_time_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local wall time as if it were UTC, (n,) ms."""
        if len(self.offset_ms) == 1:
            return event_time_ms + self.offset_ms[0]
        at = np.searchsorted(np.array(self.since_ms), event_time_ms, side="right") - 1
        local: NDArray[np.int64] = event_time_ms + np.array(self.offset_ms)[np.maximum(at, 0)]
        return local


def hours(local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hour of the day, 0 to 23, (n,)."""
    return local_ms // HOUR_MS % 24


def weekdays(local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Day of the week, Monday 0 to Sunday 6, (n,)."""
    return (local_ms // DAY_MS + _THURSDAY) % 7


def build_calendar(time_zone: str, offsets: tuple[TimeOffset, ...]) -> Calendar:
    """The calendar of a portfolio: "UTC", a fixed "+02:00", or any name with its table of offsets.

    Raises ValueError where a name comes without a table, or the table is not in ascending order with a zone.
    """
    if offsets:
        return _table(offsets)
    if time_zone == "UTC":
        return Calendar()
    fixed = _FIXED.fullmatch(time_zone)
    if fixed is None:
        raise ValueError(
            f"'{time_zone}' has no table: write 'UTC', an offset like '+02:00', or add time_offsets"
        )
    minutes = int(fixed[2]) * 60 + int(fixed[3])
    return Calendar(offset_ms=((-minutes if fixed[1] == "-" else minutes) * 60_000,))


def _table(offsets: tuple[TimeOffset, ...]) -> Calendar:
    if any(offset.since.tzinfo is None for offset in offsets):
        raise ValueError("each time_offsets entry needs an instant with its zone, like 2026-03-29T01:00:00Z")
    since_ms = tuple(round(offset.since.timestamp() * 1000) for offset in offsets)
    if any(a >= b for a, b in pairwise(since_ms)):
        raise ValueError("time_offsets must ascend in 'since'")
    if any(abs(offset.minutes) > 18 * 60 for offset in offsets):
        raise ValueError("an offset lies at most 18 hours from UTC")
    return Calendar(since_ms=since_ms, offset_ms=tuple(offset.minutes * 60_000 for offset in offsets))
