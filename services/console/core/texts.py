"""Numbers and times as the screens write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from shared.contracts.money import MINOR_DIGITS

MISSING: Final = "\N{EN DASH}"


def money(amount_minor: int, currency: str) -> str:
    """``412.00 EUR``, in the digits of its currency."""
    digits = MINOR_DIGITS.get(currency, 2)
    return f"{amount_minor / 10**digits:,.{digits}f} {currency}"


def clock(at_ms: int | None) -> str:
    """``14:26:51.204``, UTC."""
    return MISSING if at_ms is None else _utc(at_ms).strftime("%H:%M:%S.") + f"{at_ms % 1000:03d}"


def moment(at_ms: int | None) -> str:
    """``23 Nov 2026 14:26:51 UTC``."""
    return MISSING if at_ms is None else _utc(at_ms).strftime("%d %b %Y %H:%M:%S UTC").lstrip("0")


def score(value: float | None) -> str:
    """A probability in three digits."""
    return MISSING if value is None else f"{value:.3f}"


def share(value: float | None) -> str:
    """A share in percent."""
    return MISSING if value is None else f"{value:.2%}".replace("%", " %")


def millis(value: float | None) -> str:
    """Milliseconds, tenths below a hundred."""
    return MISSING if value is None else f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def number(value: float | None) -> str:
    """A value of any size in at most six digits."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.4g}"


def since(ms: int | None) -> str:
    """How long ago, in the largest unit that fits."""
    if ms is None:
        return "never"
    for size, word in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min")):
        if ms >= size:
            return f"{ms // size} {word}"
    return f"{max(ms, 0) // 1000} s"


def size(value_bytes: int) -> str:
    """Megabytes."""
    return f"{value_bytes / 2**20:,.0f} MB"


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
