"""Kilometres between two places, from ``+ - * /``, the square root and comparisons alone.

The haversine on a sphere. Sine and arcsine are Taylor's series, so long that what is cut off is below half a
unit of the last place; those of a libm differ between machines in the last bit.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .places import DEGREE, LATITUDE_SHIFT, LONGITUDE_SHIFT

EARTH_KM: Final = 6371.0088
"""Mean radius of the earth (IUGG)."""

_RADIAN: Final = 0.017453292519943295
_QUARTER: Final = 1.5707963267948966
_LOW = 0xFFFFFFFF


def _series(terms: list[Fraction]) -> NDArray[np.float64]:
    """Coefficients of x, x^3, x^5..., highest first, each rounded once."""
    return np.array([float(term) for term in reversed(terms)])


_SINE = _series([Fraction((-1) ** k, factorial(2 * k + 1)) for k in range(12)])
_ARCSINE = _series([Fraction(comb(2 * k, k), 4**k * (2 * k + 1)) for k in range(26)])


@kernel
def _odd(coefficients: NDArray[np.float64], x: float) -> float:
    square, found = x * x, 0.0
    for k in range(len(coefficients)):
        found = found * square + coefficients[k]
    return found * x


@kernel
def sine(x: float) -> float:
    """sin x for x from 0 to a quarter turn, in radians; within 4e-16."""
    return _odd(_SINE, x)


@kernel
def arcsine(x: float) -> float:
    """asin x for x from 0 to 1, in radians; within 4e-16."""
    if x <= 0.5:
        return _odd(_ARCSINE, x)
    return _QUARTER - 2.0 * _odd(_ARCSINE, sqrt((1.0 - x) / 2.0))


@kernel
def kilometres(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Between two places in degrees, NaN where one is missing or off the globe.

    Within 1 mm of the sphere's true distance, near the antipodes within 1 m.
    """
    if not (abs(latitude) <= 90.0 and abs(to_latitude) <= 90.0):
        return np.nan
    if not (abs(longitude) <= 180.0 and abs(to_longitude) <= 180.0):
        return np.nan
    across = abs(longitude - to_longitude)
    if across > 180.0:
        across = 360.0 - across
    up = sine(abs(latitude - to_latitude) * (_RADIAN / 2.0))
    side = sine(across * (_RADIAN / 2.0))
    narrow = sine((90.0 - abs(latitude)) * _RADIAN) * sine((90.0 - abs(to_latitude)) * _RADIAN)
    part = up * up + narrow * side * side
    if part > 1.0:
        part = 1.0
    return 2.0 * EARTH_KM * arcsine(sqrt(part))


@kernel
def fill_kilometres(places: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    """Fill ``found`` (n,) from ``places`` (n, 4): latitude, longitude, and those of the other place."""
    for i in range(len(places)):
        found[i] = kilometres(places[i, 0], places[i, 1], places[i, 2], places[i, 3])


@kernel
def kilometres_between(place: int, other: int) -> float:
    """Between two places as a timeline's column keeps them; neither may be 0."""
    return kilometres(
        float((place >> 32) - LATITUDE_SHIFT) / DEGREE,
        float((place & _LOW) - LONGITUDE_SHIFT) / DEGREE,
        float((other >> 32) - LATITUDE_SHIFT) / DEGREE,
        float((other & _LOW) - LONGITUDE_SHIFT) / DEGREE,
    )
