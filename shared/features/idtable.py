"""Which record ids stand in which timeline, and where first: open addressing, linear probing.

A key is (slot, record id), the value the index of the id's first copy in that slot's log. An entry that
leaves pulls the later ones of its run back, so there are no tombstones and look-ups stay short however
often timelines come and go.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel

Table = NDArray[np.int64]
"""(m + 1, 2), m a power of two: record id, and slot << 32 | first index or -1; the last line counts."""

EMPTY: Final = -1
_INDEX: Final = 0xFFFFFFFF
_MIX_SLOT = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(32)


def make_table(size: int) -> Table:
    """An empty table of ``size`` places, a power of two."""
    table = np.full((size + 1, 2), EMPTY, np.int64)
    table[-1] = 0
    return table


def grown(table: Table, more: int) -> Table:
    """The table itself if ``more`` entries fit at most two thirds full, else a larger copy."""
    size = len(table) - 1
    needed = int(table[-1, 0]) + more
    if 3 * needed <= 2 * size:
        return table
    while 3 * needed > 2 * size:
        size *= 2
    larger = make_table(size)
    _copy(table, larger)
    return larger


@kernel
def _copy(table: Table, larger: Table) -> None:
    for k in range(len(table) - 1):
        place = table[k, 1]
        if place != EMPTY:
            put(larger, place >> 32, table[k, 0], place & _INDEX)


@kernel
def _home(slot: int, record_id: int, mask: int) -> int:
    x = np.uint64(record_id) ^ (np.uint64(slot) * _MIX_SLOT)
    x = (x ^ (x >> _SHIFT)) * _MIX
    return int(x >> _SHIFT) & mask


@kernel
def probe(table: Table, slot: int, record_id: int) -> int:
    """What stands at the first place where the id could be."""
    return int(table[_home(slot, record_id, len(table) - 2), 1])


@kernel
def find(table: Table, slot: int, record_id: int) -> int:
    """The index of the id's first copy in the slot's log, -1 if it is not there."""
    mask = len(table) - 2
    k = _home(slot, record_id, mask)
    while table[k, 1] != EMPTY:
        if table[k, 0] == record_id and table[k, 1] >> 32 == slot:
            return int(table[k, 1]) & _INDEX
        k = (k + 1) & mask
    return EMPTY


@kernel
def put(table: Table, slot: int, record_id: int, index: int) -> int:
    """The index of the id's first copy, which is ``index`` if it was not there; there must be room."""
    mask = len(table) - 2
    k = _home(slot, record_id, mask)
    while table[k, 1] != EMPTY:
        if table[k, 0] == record_id and table[k, 1] >> 32 == slot:
            return int(table[k, 1]) & _INDEX
        k = (k + 1) & mask
    table[k, 0] = record_id
    table[k, 1] = (slot << 32) | index
    table[mask + 1, 0] += 1
    return index


@kernel
def remove(table: Table, slot: int, record_id: int) -> None:
    """Take an entry out, if it is there, and close the gap."""
    mask = len(table) - 2
    k = _home(slot, record_id, mask)
    while table[k, 0] != record_id or table[k, 1] >> 32 != slot:
        if table[k, 1] == EMPTY:
            return
        k = (k + 1) & mask
    table[mask + 1, 0] -= 1
    later = (k + 1) & mask
    while table[later, 1] != EMPTY:
        home = _home(table[later, 1] >> 32, table[later, 0], mask)
        # An entry may move back to the gap only if its home is not between the gap and itself.
        if ((later - home) & mask) >= ((later - k) & mask):
            table[k, 0] = table[later, 0]
            table[k, 1] = table[later, 1]
            k = later
        later = (later + 1) & mask
    table[k, 1] = EMPTY
