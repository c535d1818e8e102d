"""A payment counts with the rate of the release that decides it, whatever the portfolio's file says today."""

from __future__ import annotations

import pytest

from services.scorer.core.intake import Item
from services.scorer.core.pricing import NO_RATE, price, refuse_unpriced
from services.scorer.core.reading import read_each
from shared.contracts.ids import KIND_LABEL, KIND_TRANSACTION

from .records import LIMITS, T0, label, message, payment


def items(*currencies: str) -> list[Item]:
    messages = [message(payment(currency=currency)) for currency in currencies]
    found = read_each(KIND_TRANSACTION, messages, T0, LIMITS).values
    return [item for item in found if isinstance(item, Item)]


def test_the_same_payment_is_priced_anew_by_each_release() -> None:
    (held,) = items("USD")
    for rate, amount in ((900_000, 1111), (500_000, 617), (900_000, 1111)):
        price([held], {"USD": rate})
        assert held.amount_base_minor == amount


def test_a_currency_without_a_rate_is_refused_and_its_neighbours_stay_in_order() -> None:
    given = items("EUR", "GBP", "USD", "GBP", "EUR")
    kept, refused = refuse_unpriced(given, {"EUR": 1_000_000, "USD": 900_000})
    assert kept == [given[0], given[2], given[4]]
    assert refused == [(given[1].message, NO_RATE), (given[3].message, NO_RATE)]
    with pytest.raises(KeyError):
        price(given, {"USD": 900_000})


def test_the_base_currency_and_what_is_no_payment_need_no_rate() -> None:
    found = read_each(KIND_LABEL, [message(label())], T0, LIMITS).values
    given = [*items("EUR"), *[item for item in found if isinstance(item, Item)]]
    assert len(given) == 2
    assert refuse_unpriced(given, {}) == (given, [])
    price(given, {})
    assert given[0].amount_base_minor == 1234
