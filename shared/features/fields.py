"""The fields of a payment that features may read, and the small numbers that the program names them by."""

from __future__ import annotations

from typing import Any, Final

NUMBER_PREFIX: Final = "numbers."

AMOUNT: Final = 0  # base currency, major units
AMOUNT_MINOR: Final = 1
LATITUDE: Final = 2
LONGITUDE: Final = 3
CATEGORY: Final = 4  # position in the vocabulary, from 1; NaN outside it
NUMBER: Final = 5  # an entry of the payment's ``numbers``

FIELDS: Final = {
    "amount": AMOUNT,
    "amount_minor": AMOUNT_MINOR,
    "latitude": LATITUDE,
    "longitude": LONGITUDE,
    "category": CATEGORY,
}


PLACE_FIELDS: Final = ("latitude", "longitude")


def is_of_place(field: str) -> bool:
    """Whether ``field`` can be half of a place: a number of the payment, in degrees."""
    return field in PLACE_FIELDS or is_number(field)


def number_of(record: Any, field: str) -> float | None:
    """What a record has in a field `is_of_place`, None where it has nothing."""
    if field in PLACE_FIELDS:
        found: float | None = getattr(record, field, None)
        return found
    numbers: dict[str, float] | None = getattr(record, "numbers", None)
    return numbers.get(field[len(NUMBER_PREFIX) :]) if numbers else None


def is_number(field: str) -> bool:
    """Whether ``field`` names an entry of the payment's ``numbers``."""
    return field.startswith(NUMBER_PREFIX) and field != NUMBER_PREFIX
