"""Card numbers (PAN) in text and in bytes: found, masked, and named by a keyed hash.

A card number is 13 to 19 digits that begin as an issued number does, have a length of that brand and pass the
Luhn check (ISO/IEC 7812-1, annex B). Up to three spaces or dashes may stand between two digits, and digits
of any script count. It ends where its digits end: of a longer unbroken run of digits no part is one.
Fractions of a decimal number and hexadecimal ids (UUID, 32, 40 or 64 digits) hold none.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

SHORTEST: Final = 13
LONGEST: Final = 19
BIN_DIGITS: Final = 6
LAST_DIGITS: Final = 4

_GAP: Final = r"[\s\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufe58\ufe63\ufeff\uff0d]"
_RUN: Final = re.compile(rf"(?<!\d)(?<!\d\.)\d(?:{_GAP}{{0,3}}\d){{12,}}")
_DIGITS: Final = re.compile(r"\d+")
_HEX_ID: Final = re.compile(
    r"(?<![0-9A-Fa-f])"
    r"(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})"
    r"(?![0-9A-Fa-f])"
)
_ISSUED: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|(?:5[06-9]|6\d)\d{11,17}"  # Maestro, Discover, UnionPay, RuPay, Elo, Verve
    r"|220[0-4]\d{12,15}"  # Mir
    r"|8[12]\d{14,17}"  # RuPay, UnionPay
    r"|9792\d{12}"  # Troy
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_UNIT: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[0-9a-fA-F]{4}|\\[tnr]|[\xc2-\xf4][\x80-\xbf]{1,3}|[\x00-\xff]"
)


class Found(NamedTuple):
    """A card number: its ``digits``, and the place in the text of each."""

    digits: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CardKey:
    """The secret that names card numbers: ``key`` of 32 bytes."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Names the key without telling it: 8 hex digits."""
        return blake2b(self.key, digest_size=4, person=b"card key").hexdigest()

    def name(self, digits: str) -> str:
        """HMAC-SHA-256 of a card number, 64 hex digits: the same number has the same name under one key."""
        return hmac.new(self.key, digits.encode(), "sha256").hexdigest()


def passes_luhn(digits: str) -> bool:
    """Whether ASCII ``digits`` pass the Luhn check."""
    own = sum(map(int, digits[-1::-2]))
    return (own + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether ASCII ``digits`` alone are a card number."""
    return _ISSUED.fullmatch(digits) is not None and passes_luhn(digits)


def find(text: str) -> list[Found]:
    """The card numbers in ``text``, in order of their first digits; two may share groups of digits."""
    if _RUN.search(text) is None:
        return []
    text = _HEX_ID.sub(_without_hex, text)
    return [found for run in _RUN.finditer(text) for found in _find_in_run(text, run.start(), run.end())]


def has_card_number(text: str) -> bool:
    """Whether a card number stands in ``text``."""
    return bool(find(text))


def find_in_bytes(raw: bytes) -> list[Found]:
    """The card numbers in bytes of any kind, JSON escapes read; ``places`` count characters, not bytes."""
    return find(_read(raw)[0])


def masked(raw: bytes) -> bytes:
    """``raw`` with the inner digits of each card number as ``*``; the same bytes where there is none.

    The first six digits and the last four stay, and so does the length in bytes.
    """
    text, bounds = _read(raw)
    found = find(text)
    if not found:
        return raw
    hidden = bytearray(raw)
    for place in _inner(found):
        start, stop = bounds[place], bounds[place + 1]
        hidden[start:stop] = b"*" * (stop - start)
    return bytes(hidden)


def masked_text(text: str) -> str:
    """`masked` for text: the length in characters stays."""
    signs = list(text)
    for place in _inner(find(text)):
        signs[place] = "*"
    return "".join(signs)


def _inner(found: Sequence[Found]) -> set[int]:
    """Places of all digits but the first six and the last four of each number."""
    return {place for number in found for place in number.places[BIN_DIGITS:-LAST_DIGITS]}


def _without_hex(found: re.Match[str]) -> str:
    """A hexadecimal id as letters; digits alone may be something else."""
    text = found.group()
    return text if text.replace("-", "").isdecimal() else "x" * len(text)


def _find_in_run(text: str, start: int, stop: int) -> Iterator[Found]:
    """Card numbers that whole neighbouring groups of the digits of one run make."""
    groups = [group.span() for group in _DIGITS.finditer(text, start, stop)]
    for first in range(len(groups)):
        places: list[int] = []
        for own in groups[first:]:
            places += range(*own)
            if len(places) > LONGEST:
                break
            digits = _plain_digits(text, places)
            if len(places) >= SHORTEST and is_card_number(digits):
                yield Found(digits, tuple(places))


def _plain_digits(text: str, places: Sequence[int]) -> str:
    """Digits of any script as ASCII."""
    return "".join([str(unicodedata.decimal(text[place])) for place in places])


def _read(raw: bytes) -> tuple[str, Sequence[int]]:
    """Bytes as characters, JSON's escapes read, and where each of the k begins and the last ends: (k + 1)."""
    if raw.isascii() and b"\\" not in raw:
        return raw.decode("ascii"), range(len(raw) + 1)
    units = [found.group() for found in _UNIT.finditer(raw)]
    bounds = [0]
    for unit in units:
        bounds.append(bounds[-1] + len(unit))
    return "".join(map(_character, units)), bounds


def _character(unit: bytes) -> str:
    """One character for a unit; what is none counts as a sign that is no digit."""
    if len(unit) == 1:
        return unit.decode("ascii", "replace")
    if unit[:1] != b"\\":
        text = unit.decode("utf-8", "replace")
    elif len(unit) == 2:
        return " "
    else:
        halves = [int(unit[at + 2 : at + 6], 16) for at in range(0, len(unit), 6)]
        text = b"".join([half.to_bytes(2, "big") for half in halves]).decode("utf-16-be", "replace")
    return text if len(text) == 1 else "\ufffd"
