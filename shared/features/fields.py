"""The fields of a payment that features may read, and the small numbers that the program names them by."""

from __future__ import annotations

from typing import Final

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


def is_number(field: str) -> bool:
    """Whether ``field`` names an entry of the payment's ``numbers``."""
    return field.startswith(NUMBER_PREFIX) and field != NUMBER_PREFIX
