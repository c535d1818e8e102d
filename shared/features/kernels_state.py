"""A worker's whole cache as arrays: arena, slots, ids; which slots may leave, and how one leaves."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, Arena, give_back
from .idtable import Table, remove
from .kernels_compile import kernel
from .kernels_rows import ID
from .layout import BEFORE_ALL

SEEN: Final = 0
PINS: Final = 1
NEWER: Final = 2
OLDER: Final = 3
CURSOR: Final = 4
GONE: Final = 5
FLOOR: Final = 6
KEEP: Final = 7
LAST: Final = 8
LAST_ID: Final = 9
DROPPED: Final = 10
SEGMENT: Final = 11

NEWEST: Final = 0
OLDEST: Final = 1
LINKED: Final = 2
LEFT: Final = 3
LONGEST: Final = 4
DROPPED_ANY: Final = 5

_UNLINKED: Final = -2


class State(NamedTuple):
    """Everything that a fold reads and writes.

    ``slots`` (s, SEGMENT + 3 streams + edges), a line per timeline: records of its log absorbed, claims
    that need it to stay, its neighbours by last use, scratch of one call, an entry of the list of slots
    that left, five numbers of what is forgotten (`forgetting`), for each stream the first cell, the length
    and the order of its segment (-1 none), then for each window edge where it stood last.
    ``ends`` (6,): newest slot, oldest slot, how many are linked, how many left, longest segment ever, whether
    any timeline dropped what it has forgotten.
    """

    arena: Arena
    slots: NDArray[np.int64]
    table: Table
    ends: NDArray[np.int64]


def make_slots(size: int, streams: int, edges: int) -> NDArray[np.int64]:
    """``size`` empty slots of ``streams`` segments and ``edges`` remembered window edges."""
    slots = np.zeros((size, SEGMENT + 3 * streams + edges), np.int64)
    slots[:, NEWER] = _UNLINKED
    slots[:, FLOOR] = slots[:, LAST] = BEFORE_ALL
    slots[:, SEGMENT + 2 : SEGMENT + 3 * streams : 3] = NONE
    return slots


def make_ends() -> NDArray[np.int64]:
    """The ends of an empty list of slots."""
    return np.array([NONE, NONE, 0, 0, 0, 0], np.int64)


def grown_slots(slots: NDArray[np.int64], size: int, streams: int) -> NDArray[np.int64]:
    """A copy with room for ``size`` slots."""
    larger = make_slots(size, streams, slots.shape[1] - SEGMENT - 3 * streams)
    larger[: len(slots)] = slots
    return larger


@kernel
def touch(slots: NDArray[np.int64], ends: NDArray[np.int64], slot: int) -> None:
    """Make ``slot`` the most recently used."""
    newest = ends[NEWEST]
    if newest == slot:
        return
    if slots[slot, NEWER] != _UNLINKED:
        _unlink(slots, ends, slot)
    slots[slot, NEWER] = NONE
    slots[slot, OLDER] = newest
    if newest == NONE:
        ends[OLDEST] = slot
    else:
        slots[newest, NEWER] = slot
    ends[NEWEST] = slot
    ends[LINKED] += 1


@kernel
def _unlink(slots: NDArray[np.int64], ends: NDArray[np.int64], slot: int) -> None:
    newer, older = slots[slot, NEWER], slots[slot, OLDER]
    if newer == NONE:
        ends[NEWEST] = older
    else:
        slots[newer, OLDER] = older
    if older == NONE:
        ends[OLDEST] = newer
    else:
        slots[older, NEWER] = newer
    slots[slot, NEWER] = _UNLINKED
    ends[LINKED] -= 1


@kernel
def evict_oldest(state: State, streams: int) -> bool:
    """Forget the least recently used slot that nobody has claimed; False when there is none."""
    slots, ends = state.slots, state.ends
    slot = ends[OLDEST]
    while slot != NONE and slots[slot, PINS] > 0:
        slot = slots[slot, NEWER]
    if slot == NONE:
        return False
    for at in range(SEGMENT, SEGMENT + 3 * streams, 3):
        base, length, order = slots[slot, at], slots[slot, at + 1], slots[slot, at + 2]
        if order != NONE:
            for j in range(base, base + length):
                remove(state.table, slot, state.arena.cells[j, ID])
            give_back(state.arena, base, order)
        slots[slot, at + 1] = 0
        slots[slot, at + 2] = NONE
    slots[slot, SEEN] = slots[slot, LAST_ID] = slots[slot, DROPPED] = 0
    slots[slot, FLOOR] = slots[slot, LAST] = BEFORE_ALL
    _unlink(slots, ends, slot)
    slots[ends[LEFT], GONE] = slot
    ends[LEFT] += 1
    return True
