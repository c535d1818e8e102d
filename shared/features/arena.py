"""Room for timelines: one block of record cells, handed out as power-of-two pieces that split and merge.

The arena is allocated at its full size once; the operating system backs only the pages that are touched.
A piece of order k has ``SMALLEST << k`` cells and starts at a multiple of its own size, so its neighbour to
merge with (its buddy) is found by flipping one bit.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel

SMALLEST: Final = 4
ORDERS: Final = 28
NONE: Final = -1

ORDER: Final = 0
AFTER: Final = 1
BEFORE: Final = 2

USED: Final = ORDERS


class Arena(NamedTuple):
    """``cells`` (N, C) int64, one row per record; its free pieces, in units of ``SMALLEST`` cells.

    ``pieces`` (N / SMALLEST, 3): the order of the free piece that starts there, else -1, and the free
    pieces of that order after and before it. ``heads`` (ORDERS + 1,): the first free piece of each order,
    then how many cells are handed out.
    """

    cells: NDArray[np.int64]
    pieces: NDArray[np.int32]
    heads: NDArray[np.int64]


def make_arena(cells: int, columns: int) -> Arena:
    """An empty arena of at least ``cells`` rows of ``columns`` int64 values."""
    pieces = -(-cells // SMALLEST)
    arena = Arena(
        cells=np.empty((pieces * SMALLEST, columns), np.int64),
        pieces=np.empty((pieces, 3), np.int32),
        heads=np.empty(ORDERS + 1, np.int64),
    )
    clear(arena)
    return arena


@kernel
def clear(arena: Arena) -> None:
    """Take every piece back."""
    for k in range(len(arena.pieces)):
        arena.pieces[k, ORDER] = NONE
    for order in range(ORDERS):
        arena.heads[order] = NONE
    arena.heads[USED] = 0
    at, end = 0, len(arena.pieces)
    while at < end:
        size = 0
        while size + 1 < ORDERS and at % (2 << size) == 0 and at + (2 << size) <= end:
            size += 1
        _push(arena, at, size)
        at += 1 << size


@kernel
def order_for(cells: int) -> int:
    """The smallest order whose pieces hold ``cells`` records."""
    order = 0
    while (SMALLEST << order) < cells:
        order += 1
    return order


@kernel
def _push(arena: Arena, piece: int, order: int) -> None:
    head = arena.heads[order]
    arena.pieces[piece, ORDER] = order
    arena.pieces[piece, AFTER] = head
    arena.pieces[piece, BEFORE] = NONE
    if head != NONE:
        arena.pieces[head, BEFORE] = piece
    arena.heads[order] = piece


@kernel
def _unlink(arena: Arena, piece: int, order: int) -> None:
    after, before = arena.pieces[piece, AFTER], arena.pieces[piece, BEFORE]
    if before == NONE:
        arena.heads[order] = after
    else:
        arena.pieces[before, AFTER] = after
    if after != NONE:
        arena.pieces[after, BEFORE] = before
    arena.pieces[piece, ORDER] = NONE


@kernel
def take(arena: Arena, order: int) -> int:
    """The first cell of a free piece of ``order``, or -1 when there is none."""
    found = order
    while found < ORDERS and arena.heads[found] == NONE:
        found += 1
    if found >= ORDERS:
        return NONE
    piece = arena.heads[found]
    _unlink(arena, piece, found)
    while found > order:
        found -= 1
        _push(arena, piece + (1 << found), found)
    arena.heads[USED] += SMALLEST << order
    return int(piece) * SMALLEST


@kernel
def give_back(arena: Arena, cell: int, order: int) -> None:
    """Free the piece of ``order`` that starts at ``cell``, merged with free neighbours."""
    arena.heads[USED] -= SMALLEST << order
    piece = cell // SMALLEST
    while order + 1 < ORDERS:
        buddy = piece ^ (1 << order)
        if buddy >= len(arena.pieces) or arena.pieces[buddy, ORDER] != order:
            break
        _unlink(arena, buddy, order)
        piece = min(piece, buddy)
        order += 1
    _push(arena, piece, order)
