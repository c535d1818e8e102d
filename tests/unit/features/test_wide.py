"""128-bit integers in two limbs against Python's own."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.features.wide import add, deviation, multiply, square, subtract, to_float

WORD = 2**64
words = st.one_of(st.integers(0, WORD - 1), st.integers(0, 3), st.integers(WORD - 4, WORD - 1))
quick = settings(max_examples=300, deadline=None)


def _limbs(value: int) -> tuple[np.uint64, np.uint64]:
    return np.uint64(value // WORD % WORD), np.uint64(value % WORD)


def _whole(limbs: tuple[np.uint64, np.uint64]) -> int:
    return int(limbs[0]) * WORD + int(limbs[1])


@quick
@given(words, words)
def test_multiply_is_exact(x: int, y: int) -> None:
    assert _whole(multiply(np.uint64(x), np.uint64(y))) == x * y


@quick
@given(words, words, words, words)
def test_add_and_subtract_wrap_like_integers(a: int, b: int, c: int, d: int) -> None:
    x, y = a * WORD + b, c * WORD + d
    assert _whole(add(*_limbs(x), *_limbs(y))) == (x + y) % WORD**2
    assert _whole(subtract(*_limbs(x), *_limbs(y))) == (x - y) % WORD**2


@quick
@given(words, words, st.integers(0, 127))
def test_to_float_rounds_as_python_does(high: int, low: int, shift: int) -> None:
    value = (high * WORD + low) >> shift
    assert to_float(*_limbs(value)) == float(value)


@quick
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30), st.sampled_from([0.0, 1.0]))
def test_deviation_is_the_formula(amounts: list[int], freedom: float) -> None:
    n, total, squares = len(amounts), sum(amounts), sum(a * a for a in amounts)
    found = deviation(n, total, *_limbs(squares), freedom)
    if n <= freedom:
        assert isnan(found)
    else:
        assert found == sqrt(float(n * squares - total**2) / (float(n) * (float(n) - freedom)))


@quick
@given(st.integers(-(10**12), 10**12))
def test_square_takes_either_sign(amount: int) -> None:
    assert _whole(square(amount)) == amount**2
