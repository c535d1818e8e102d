"""Integer money."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.money import AMOUNT_LIMIT_MINOR, MINOR_DIGITS, convert_minor, is_known


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0)])
def test_minor_digits(currency: str, digits: int) -> None:
    assert MINOR_DIGITS[currency] == digits


@pytest.mark.parametrize("code", ["", "eur", "XXX", "XTS", "XAU", "DEM", "EURO", "€€€"])
def test_what_is_no_active_currency(code: str) -> None:
    assert not is_known(code)


def test_codes_are_three_capital_letters() -> None:
    assert all(len(c) == 3 and c.isascii() and c.isalpha() and c.isupper() for c in MINOR_DIGITS)
    assert len(MINOR_DIGITS) > 150


@pytest.mark.parametrize(
    ("amount", "rate_ppm", "expected"),
    [(100, 1_000_000, 100), (1, 500_000, 1), (1, 499_999, 0), (-1, 500_000, -1), (3, 500_000, 2), (0, 7, 0)],
)
def test_converts_and_rounds_half_away_from_zero(amount: int, rate_ppm: int, expected: int) -> None:
    assert convert_minor(amount, rate_ppm) == expected


@given(st.integers(-AMOUNT_LIMIT_MINOR, AMOUNT_LIMIT_MINOR), st.integers(0, 10**12))
def test_is_never_further_off_than_half_a_minor_unit(amount: int, rate_ppm: int) -> None:
    exact = Fraction(amount * rate_ppm, 1_000_000)

    assert abs(convert_minor(amount, rate_ppm) - exact) <= Fraction(1, 2)
    assert convert_minor(-amount, rate_ppm) == -convert_minor(amount, rate_ppm)
