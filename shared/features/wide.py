"""Exact integers of 128 bits in two unsigned limbs, for sums of squares that 64 bits cannot hold.

A value is ``high * 2**64 + low``. Amounts keep |a| <= 10**12, so n Q and S^2 stay below 2**128 for
n <= 10**7 records, more than an entity's window may hold.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from .kernels_compile import kernel

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@kernel
def multiply(x: np.uint64, y: np.uint64) -> tuple[np.uint64, np.uint64]:
    """(high, low) of the product of two unsigned 64-bit integers, by 32-bit halves."""
    x_low, x_high = x & _LOW, x >> _HALF
    y_low, y_high = y & _LOW, y >> _HALF
    low = x_low * y_low
    middle = x_high * y_low + (low >> _HALF)
    other = x_low * y_high + (middle & _LOW)
    high = x_high * y_high + (middle >> _HALF) + (other >> _HALF)
    return high, (other << _HALF) | (low & _LOW)


@kernel
def add(
    high: np.uint64, low: np.uint64, more_high: np.uint64, more_low: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """(high, low) of the sum, modulo 2**128."""
    total = low + more_low
    carry = _ONE if total < low else _ZERO
    return high + more_high + carry, total


@kernel
def subtract(
    high: np.uint64, low: np.uint64, less_high: np.uint64, less_low: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """(high, low) of the difference, modulo 2**128."""
    borrow = _ONE if low < less_low else _ZERO
    return high - less_high - borrow, low - less_low


@kernel
def square(a: int) -> tuple[np.uint64, np.uint64]:
    """(high, low) of a * a for a signed 64-bit a."""
    size = np.uint64(a if a >= 0 else -a)
    return multiply(size, size)


@kernel
def _bits(x: np.uint64) -> int:
    """How many bits x needs, 0 for 0."""
    bits = 0
    for step in (32, 16, 8, 4, 2, 1):
        if x >> np.uint64(step) != _ZERO:
            x = x >> np.uint64(step)
            bits += step
    return bits + 1 if x != _ZERO else bits


@kernel
def to_float(high: np.uint64, low: np.uint64) -> float:
    """The float64 nearest to the value, ties to even, as Python's ``float(int)`` gives it."""
    if high == _ZERO:
        return float(low)
    shift = _bits(high)
    if shift == 64:
        top, rest = high, low
    else:
        top = (high << np.uint64(64 - shift)) | (low >> np.uint64(shift))
        rest = low & ((_ONE << np.uint64(shift)) - _ONE)
    scale = 1.0
    for _ in range(shift):
        scale *= 2.0
    # The lost bits matter to rounding only by whether any is set, so they fold into the lowest one.
    return float(top | (_ONE if rest != _ZERO else _ZERO)) * scale


@kernel
def deviation(n: int, total: int, square_high: np.uint64, square_low: np.uint64, freedom: float) -> float:
    """sqrt((n Q - S^2) / (n (n - k))) for n amounts of sum S and sum of squares Q; NaN if n <= k.

    The numerator is exact, rounded once; then one division and one root (quality.md, "The 15 inputs").
    """
    divisor = float(n) * (float(n) - freedom)
    if divisor <= 0.0:
        return np.nan
    times = np.uint64(n)
    high, low = multiply(times, square_low)
    high = high + times * square_high
    less_high, less_low = square(total)
    high, low = subtract(high, low, less_high, less_low)
    return sqrt(to_float(high, low) / divisor)
