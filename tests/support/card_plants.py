"""Card numbers that no bank has issued to anyone, by brand, and the ways people write them."""

from __future__ import annotations

from typing import Final

BRANDS: Final = {
    "Visa": "4111111111111111",
    "Visa, 13 digits": "4222222222222",
    "Visa, 19 digits": "4000000000000000006",
    "Mastercard": "5555555555554444",
    "Mastercard, second range": "2223003122003222",
    "American Express": "378282246310005",
    "Diners Club": "30569309025904",
    "Discover": "6011111111111117",
    "JCB": "3530111333300000",
    "UnionPay": "6200000000000005",
    "Maestro": "6759649826438453",
    "Mir": "2200000000000004",
    "RuPay": "8171999927660000",
    "Troy": "9792000000000003",
}
"""Numbers that networks and payment providers print for tests, or made of zeros and a check digit."""

VISA: Final = BRANDS["Visa"]
GAPS: Final = ("", " ", "-", "  ", " - ", "\u00a0", "\u2013", "\u2009")
ARABIC: Final = {ord("0") + n: chr(0x660 + n) for n in range(10)}
FULL_WIDTH: Final = {ord("0") + n: chr(0xFF10 + n) for n in range(10)}


def spaced(number: str, gap: str, group: int = 4) -> str:
    """``number`` with ``gap`` after every ``group`` digits."""
    return gap.join(number[at : at + group] for at in range(0, len(number), group))
