"""Bounds that every field keeps, as annotated types, and the check of an id's characters."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

from msgspec import Meta

from .money import AMOUNT_LIMIT_MINOR

EVENT_TIME_MIN_MS: Final = 946_684_800_000  # 2000-01-01T00:00:00Z
EVENT_TIME_MAX_MS: Final = 4_102_444_800_000  # 2100-01-01T00:00:00Z
NUMBER_LIMIT: Final = 1e15
RECORD_LIMIT_BYTES: Final = 262_144
"""A record that others send us."""
MESSAGE_LIMIT_BYTES: Final = 1_048_576
"""Any message on a topic."""
NESTING_LIMIT: Final = 64
"""Objects and lists within each other in one record, fields we do not know included."""

ID_LENGTH: Final = 64

Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
ShortText = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=256)]
LongText = Annotated[str, Meta(max_length=4096)]
TimeMs = Annotated[int, Meta(ge=EVENT_TIME_MIN_MS, le=EVENT_TIME_MAX_MS)]
AmountMinor = Annotated[int, Meta(ge=0, le=AMOUNT_LIMIT_MINOR)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Number = Annotated[float, Meta(ge=-NUMBER_LIMIT, le=NUMBER_LIMIT)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Offset = Annotated[int, Meta(ge=-1, le=2**53)]
ScenarioSeconds = Annotated[int, Meta(ge=1, le=86_400)]
ScenarioFactor = Annotated[float, Meta(ge=0.01, le=1_000)]
Version = Annotated[int, Meta(ge=1, le=1)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Numbers = Annotated[dict[ShortText, Number], Meta(max_length=32)]
Texts = Annotated[dict[ShortText, Text], Meta(max_length=32)]

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_clean_text(text: str) -> bool:
    """Whether ``text`` is NFC and free of control, format, private and unassigned characters.

    Right-to-left letters and emoji are letters like others; bidirectional overrides are format characters.
    """
    if text.isascii():
        return text.isprintable()
    if unicodedata.normalize("NFC", text) != text:
        return False
    return all(unicodedata.category(c) not in _REFUSED_CATEGORIES for c in text)
