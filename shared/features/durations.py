"""Durations as people write them in a portfolio: "90s", "15m", "6h", "30d"."""

from __future__ import annotations

import re
from typing import Final

UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
HOUR_MS: Final = UNIT_MS["h"]
DAY_MS: Final = UNIT_MS["d"]

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")


def parse_duration(text: str) -> int:
    """Milliseconds of ``text``, a whole number and a unit of s, m, h, d. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is no duration; write a whole number and s, m, h or d, as in '7d'")
    return int(found[1]) * UNIT_MS[found[2]]


def format_duration(duration_ms: int) -> str:
    """The shortest spelling of ``duration_ms`` that `parse_duration` reads back, "0s" for nothing."""
    for unit in ("d", "h", "m", "s"):
        if duration_ms and duration_ms % UNIT_MS[unit] == 0:
            return f"{duration_ms // UNIT_MS[unit]}{unit}"
    if duration_ms == 0:
        return "0s"
    raise ValueError(f"{duration_ms} ms is no whole number of seconds")
