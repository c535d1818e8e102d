"""Amounts in base minor units, by the rates of the release that decides; what it has no rate for is refused.

Not when a payment is read: it may wait for a load's barrier while one release follows another, and a replay
converts it by the rates of the release that decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.contracts.money import convert_minor
from shared.contracts.outcome import Dead
from shared.contracts.payments import Transaction

from .intake import Item, Message

Rates = Mapping[str, int]
"""Base minor units per minor unit of a currency, in millionths."""

NO_RATE = Dead("no_rate", "currency")


def refuse_unpriced(items: list[Item], rates_ppm: Rates) -> tuple[list[Item], list[tuple[Message, Dead]]]:
    """The items that have a price under ``rates_ppm``, in their order, and a refusal for each other."""
    unpriced = [item for item in items if item.is_foreign and _currency(item) not in rates_ppm]
    if not unpriced:
        return items, []
    without = {id(item) for item in unpriced}
    return [item for item in items if id(item) not in without], [(item.message, NO_RATE) for item in unpriced]


def price(items: Sequence[Item], rates_ppm: Rates) -> None:
    """Sets ``amount_base_minor`` of foreign payments by their own amounts. KeyError: there is no rate."""
    for item in items:
        if item.is_foreign:
            item.amount_base_minor = convert_minor(_payment(item).amount_minor, rates_ppm[_currency(item)])


def _payment(item: Item) -> Transaction:
    assert isinstance(item.record, Transaction)
    return item.record


def _currency(item: Item) -> str:
    return _payment(item).currency
