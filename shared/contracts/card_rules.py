"""What of a card a record must not hold: its number in any text, its code, PIN or track under any name.

What breaks a rule is refused, never dropped silently; the field at fault is named, its value never repeated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, takewhile
from typing import Any, Final, NamedTuple

from .card_numbers import LONGEST, SHORTEST, has_card_number, is_card_number
from .json_text import Members, NumberText
from .payments import ENTITY_FIELDS

OWN_ID_FIELDS: Final = ("tx_id", "activity_id", "label_id")
ID_FIELDS: Final = frozenset((*OWN_ID_FIELDS, *ENTITY_FIELDS))
BOUNDED_NUMBERS: Final = frozenset(
    (
        "v",
        "event_time_ms",
        "known_at_ms",
        "amount_minor",
        "loss_minor",
        "recovered_minor",
        "latitude",
        "longitude",
    )
)
"""Numbers with bounds of their own, so narrow that they are what their name says."""

_FORBIDDEN: Final = re.compile(
    r"(?:(?:credit|debit|bank|payment)?card|cc)?"
    r"(?:cvv2?|cvc2?|cvn2?|cav2?|csc|cvvcode|cvccode|securitycode|verification(?:code|value|number)"
    r"|pin|pinblock|track[123]|track[123]?data|magstripe(?:data)?|magneticstripe(?:data)?"
    r"|(?:full)?pan|pannumber|primaryaccountnumber)"
    r"|(?:(?:credit|debit|bank|payment)?card|cc)(?:number|num|no|nr)"
)
_LEFT_OUT: Final = re.compile(r"[\W_]+")
_TELLABLE: Final = re.compile(r"[A-Za-z_]{1,31}")
_GAPS: Final = b" -"
_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"0" * 9)
_ANY_LONG: Final = b"0" * SHORTEST
_ANY_TIME: Final = b'_ms":' + _ANY_LONG
_LEAST_NUMBER: Final[int] = 10 ** (SHORTEST - 1)


class Fault(NamedTuple):
    """A reason code and the field at fault: its name, or as much of its path as may be told."""

    code: str
    field: str


@lru_cache(maxsize=4096)
def forbidden_name(name: str) -> str | None:
    """The plain spelling of a name that says card number, code, PIN or track; None for any other."""
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFKC", name).casefold())
    return plain if _FORBIDDEN.fullmatch(plain) else None


def first_fault(record: Any) -> Fault | None:
    """The first broken rule of a record as `json_text.parse` gives it, else None."""
    return _fault_in(record, ())


def may_hold_number(text: bytes) -> bool:
    """Whether one or more records, as the codec writes them, may hold 13 digits that belong together.

    Times and amounts do not count, nor do numbers shorter than that. False is certain; many records cost less
    than each alone.
    """
    if b"\\" in text or not text.isascii():
        return True
    plain = text.translate(_DIGITS_ALIKE, _GAPS)
    return plain.count(_ANY_LONG) > plain.count(_ANY_TIME)


def are_names_plain(maps: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no key of ``maps`` is a forbidden name; keys that many maps share are looked at once."""
    names: set[str] = set()
    for each in maps:
        names.update(each)
    return not any(map(forbidden_name, names))


def are_numbers_short(maps: Iterable[Mapping[str, float]]) -> bool:
    """Whether no number of ``maps`` has as many digits as a card number."""
    values = chain.from_iterable([each.values() for each in maps])
    longest: float = max(map(abs, values), default=0.0)
    return longest < _LEAST_NUMBER


def _fault_in(value: Any, path: tuple[str, ...]) -> Fault | None:
    if isinstance(value, Members):
        return _fault_in_members(value, path)
    if isinstance(value, list):
        return next((fault for item in value if (fault := _fault_in(item, path))), None)
    if isinstance(value, NumberText):
        is_bounded = len(path) == 1 and path[0] in BOUNDED_NUMBERS
        return None if is_bounded or not _is_card(value) else Fault("card_number", _told(path))
    if not isinstance(value, str):
        return None
    if len(path) == 1 and path[0] in ID_FIELDS and value.isdecimal() and SHORTEST <= len(value) <= LONGEST:
        return Fault("id_numeric", path[0])
    return Fault("card_number", _told(path)) if has_card_number(value) else None


def _fault_in_members(members: Members, path: tuple[str, ...]) -> Fault | None:
    for name, value in members:
        if plain := forbidden_name(name):
            return Fault("field_forbidden", ".".join((*path[:1], plain)) if _told(path[:1]) else plain)
        if has_card_number(name):
            return Fault("card_number", _told(path))
        fault = _fault_in(value, (*path, name))
        if fault is not None:
            return fault
    return None


def _is_card(number: NumberText) -> bool:
    """Whether a JSON number has the digits of a card number, however it is written."""
    if len(number) < LONGEST + 1 and number.isdecimal():
        return is_card_number(number)
    value = float(number)
    if not (value.is_integer() and _LEAST_NUMBER <= abs(value) < 10**LONGEST):
        return False
    return is_card_number(str(abs(int(value))))


def _told(path: tuple[str, ...]) -> str:
    """The path down to the first name that may be data itself; two names at most fit a dead letter."""
    return ".".join(takewhile(_TELLABLE.fullmatch, path[:2]))
