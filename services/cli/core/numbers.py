"""Numbers and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def plain(value: object) -> str:
    """A value in a table: thousands apart, floats short, missing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return real(value)
    return str(value)


def real(value: float) -> str:
    """A float with as many digits as it can use."""
    if math.isnan(value):
        return "-"
    if value and abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.1f}"


def moment(at_ms: int) -> str:
    """A UTC time to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def size(count_bytes: int) -> str:
    """Bytes in the largest unit that leaves at least one."""
    value = float(count_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def rate(count: int, seconds: float) -> float:
    """Per second; 0 where no time passed."""
    return count / seconds if seconds > 0 else 0.0
