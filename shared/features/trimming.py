"""Which records of a log may leave: the first ones, while nothing that counts can tell that they are gone.

What is forgotten (`forgetting`) is in no window, so only three ties hold a forgotten record back: a record
that counts has the same id, and would become a first copy; a label that counts names it, and would wait for
a payment anew; or it is a label of a payment that counts.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .layout import BEFORE_ALL, KIND_LABEL, KIND_TRANSACTION

BASE_BYTES: Final = 32
"""Shorter than any record, so that a log's length says whether it starts with a base."""

LEAST: Final = 64
SHARE: Final = 4
"""A cut is worth its cost from so many records on, if it is one record of so many."""

Rows = NDArray[Any]


class Base(Struct, frozen=True):
    """What a log keeps of the records that left: how many they were, and what its floor needs of them.

    ``newest_ms``: the newest event time that two successive payments reached; ``last_ms`` and ``last_id``:
    the last payment's.
    """

    index: int = 0
    newest_ms: int = BEFORE_ALL
    last_ms: int = BEFORE_ALL
    last_id: int = 0

    def encode(self) -> bytes:
        """`BASE_BYTES` bytes, four little endian int64."""
        return np.array([self.index, self.newest_ms, self.last_ms, self.last_id], "<i8").tobytes()


WHOLE: Final = Base()
"""The base of a log that nothing left."""


def decode_base(data: bytes) -> Base:
    """The base in ``data``. Raises ValueError for another size."""
    index, newest_ms, last_ms, last_id = np.frombuffer(data, "<i8").tolist()
    return Base(index, newest_ms, last_ms, last_id)


def split_log(log: bytes, record_bytes: int) -> tuple[Base, bytes]:
    """A stored log's base and its records. Raises ValueError for a length that no log has."""
    if len(log) % record_bytes == 0:
        return WHOLE, log
    if len(log) % record_bytes != BASE_BYTES:
        raise ValueError(f"{len(log)} bytes are no log of records of {record_bytes}")
    return decode_base(log[:BASE_BYTES]), log[BASE_BYTES:]


def cut(rows: Rows, base: Base, keep_ms: int, least: int = LEAST) -> Base:
    """The base that ``rows`` (n,) of the layout, all that stands behind ``base``, may be cut down to.

    ``base`` itself if fewer than ``least`` could leave, or too small a share. ``keep_ms`` as the plan has it
    for the log's entity.
    """
    newest_ms = _newest(rows, base)
    counts = rows["t"] > newest_ms - keep_ms
    first = int(counts.argmax()) if counts.any() else len(rows)
    old, new = rows[:first], rows[counts]
    ties = np.isin(old["id"], np.concatenate([new["id"], new["ref"][new["kind"] == KIND_LABEL]]))
    ties |= (old["kind"] == KIND_LABEL) & np.isin(old["ref"], new["id"])
    if ties.any():
        first = int(ties.argmax())
    if first < max(least, len(rows) // SHARE):
        return base
    return _moved(rows[:first], base)


def _payments(rows: Rows, base: Base) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(m + 1,) times and ids of the payments that move the floor, the last one before ``rows`` in front."""
    payments = rows[rows["kind"] == KIND_TRANSACTION]
    ids = np.concatenate([[base.last_id], payments["id"].view(np.int64)])
    times = np.concatenate([[base.last_ms], payments["t"]])
    is_new = np.concatenate([[True], ids[1:] != ids[:-1]])
    return times[is_new], ids[is_new]


def _newest(rows: Rows, base: Base) -> int:
    times, _ = _payments(rows, base)
    return int(np.minimum(times[1:], times[:-1]).max(initial=base.newest_ms))


def _moved(left: Rows, base: Base) -> Base:
    """The base after the records ``left`` (n,) are gone too."""
    times, ids = _payments(left, base)
    return Base(base.index + len(left), _newest(left, base), int(times[-1]), int(ids[-1]))
