"""The record of a timeline: fixed size, little endian, with a hash of its own."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from shared.contracts.ids import content_hash

KIND_TRANSACTION: Final = 1
KIND_LABEL: Final = 2
KIND_FIRST_ACTIVITY: Final = 3
KIND_OTHER_ACTIVITY: Final = 255

VERDICT_FRAUD: Final = 1
VERDICT_GENUINE: Final = 2
VERDICT_REVERSED: Final = 3

BEFORE_ALL: Final = -(2**62)
"""Older than every event time, ms."""

_BASE: Final = (
    ("t", "<i8"),  # event time, ms; a label: its payment's
    ("a", "<i8"),  # amount in base minor units; a label: known_at, ms
    ("id", "<u8"),  # hash of the record's own id
    ("ref", "<u8"),  # a label: hash of its transaction
    ("kind", "u1"),
    ("verdict", "u1"),
    ("code", "<u2"),  # category's position in the vocabulary, 0 none
    ("body", "<u4"),  # low bits of the input's hash: a redelivery or a conflict?
)
_VERSION: Final = 1


_PLACE: Final = "place:"


def place_field(latitude: str, longitude: str) -> str:
    """How a layout names the two fields of a place as one."""
    return f"{_PLACE}{latitude},{longitude}"


def place_fields(field: str) -> tuple[str, str] | None:
    """The latitude and longitude that a layout's field names, None if it is no place."""
    if not field.startswith(_PLACE):
        return None
    latitude, _, longitude = field[len(_PLACE) :].partition(",")
    return latitude, longitude


class Layout(Struct, frozen=True):
    """Which columns a record has beyond the base, and what the numbers in it stand for.

    ``columns`` are (name, field) of the extra hashes and places (`places.pack`), 8 bytes each, in order;
    ``categories`` and ``activities`` give ``code`` and ``kind`` their meaning.
    """

    columns: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy structured type of one record; extra columns are named ``x0``, ``x1``..."""
        extra = [(f"x{i}", "<u8") for i in range(len(self.columns))]
        return np.dtype([*_BASE, *extra])

    @property
    def record_bytes(self) -> int:
        """Size of one record: 40 and 8 more for each extra column."""
        return 40 + 8 * len(self.columns)

    @property
    def hash(self) -> str:
        """blake2b-256 of the layout's canonical form, 64 hex digits."""
        return content_hash(msgspec.json.encode([_VERSION, _BASE, self]))

    def activity_code(self, kind: str) -> int:
        """The ``kind`` byte of an activity; `KIND_OTHER_ACTIVITY` outside the vocabulary."""
        try:
            return KIND_FIRST_ACTIVITY + self.activities.index(kind)
        except ValueError:
            return KIND_OTHER_ACTIVITY
