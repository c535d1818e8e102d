"""A place as one column of a timeline: latitude and longitude in millionths of a degree, side by side."""

from __future__ import annotations

from typing import Final

DEGREE: Final = 1_000_000
"""Units in a degree: a tenth of a metre on the ground."""

LATITUDE_SHIFT: Final = 90 * DEGREE + 1
LONGITUDE_SHIFT: Final = 180 * DEGREE
"""They make both halves positive, and the whole never 0, which stands for a missing place."""


def pack(latitude: float | None, longitude: float | None) -> int:
    """The column's value, 0 where one is missing or lies outside of the globe; halves round to even."""
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return 0
    up, side = round(latitude * DEGREE), round(longitude * DEGREE)
    return ((up + LATITUDE_SHIFT) << 32) | (side + LONGITUDE_SHIFT)
