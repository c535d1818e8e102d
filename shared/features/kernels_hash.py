"""BLAKE2b (RFC 7693) of many byte strings in one call."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

BLOCK_BYTES: Final = 128

IV: Final = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
"""RFC 7693, 2.6."""

_SIGMA: Final = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.int64,
)
"""RFC 7693, 2.7; the last two rounds begin again."""

_R1, _R2, _R3, _R4 = np.uint64(32), np.uint64(24), np.uint64(16), np.uint64(63)
_L1, _L2, _L3, _L4 = np.uint64(32), np.uint64(40), np.uint64(48), np.uint64(1)
_ALL, _NONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0)


LANES: Final = 64
"""Texts that are hashed side by side: as many as the processor's first cache holds twice over."""

V, M, H, COUNT, LAST, ACTIVE, ROWS = 0, 16, 32, 40, 41, 42, 43
"""Rows of the room to work in, each with a value per lane: the working vector (16), the block's words (16),
the chain value (8), the bytes so far, all ones where the block is the last, all ones where there is one."""


class Midway(NamedTuple):
    """A hash under way: chain value ``h`` (8,) after ``taken`` bytes; ``held`` (up to a block) come next."""

    h: Words
    taken: int
    held: Bytes


@kernel
def _mix(w: Words, a: int, b: int, c: int, d: int, x: int, y: int) -> None:
    # Unsigned places cannot mean "from the end", so the lanes become the processor's own.
    ra, rb, rc, rd = np.uint64(a * LANES), np.uint64(b * LANES), np.uint64(c * LANES), np.uint64(d * LANES)
    rx, ry = np.uint64((M + x) * LANES), np.uint64((M + y) * LANES)
    for lane in range(np.uint64(LANES)):
        va = w[ra + lane] + w[rb + lane] + w[rx + lane]
        vd = w[rd + lane] ^ va
        vd = (vd >> _R1) | (vd << _L1)
        vc = w[rc + lane] + vd
        vb = w[rb + lane] ^ vc
        vb = (vb >> _R2) | (vb << _L2)
        va = va + vb + w[ry + lane]
        vd = vd ^ va
        vd = (vd >> _R3) | (vd << _L3)
        vc = vc + vd
        vb = vb ^ vc
        w[ra + lane] = va
        w[rb + lane] = (vb >> _R4) | (vb << _L4)
        w[rc + lane] = vc
        w[rd + lane] = vd


@kernel
def _begin(w: Words) -> None:
    for k in range(8):
        for lane in range(LANES):
            w[(V + k) * LANES + lane] = w[(H + k) * LANES + lane]
            w[(V + 8 + k) * LANES + lane] = IV[k]
    for lane in range(LANES):
        w[(V + 12) * LANES + lane] ^= w[COUNT * LANES + lane]
        w[(V + 14) * LANES + lane] ^= w[LAST * LANES + lane]


@kernel
def compress(w: Words) -> None:
    """Take each active lane's block into its chain value (RFC 7693, 3.2)."""
    _begin(w)
    for r in range(12):
        s = _SIGMA[r]
        _mix(w, 0, 4, 8, 12, s[0], s[1])
        _mix(w, 1, 5, 9, 13, s[2], s[3])
        _mix(w, 2, 6, 10, 14, s[4], s[5])
        _mix(w, 3, 7, 11, 15, s[6], s[7])
        _mix(w, 0, 5, 10, 15, s[8], s[9])
        _mix(w, 1, 6, 11, 12, s[10], s[11])
        _mix(w, 2, 7, 8, 13, s[12], s[13])
        _mix(w, 3, 4, 9, 14, s[14], s[15])
    for k in range(8):
        for lane in range(LANES):
            found = w[(V + k) * LANES + lane] ^ w[(V + 8 + k) * LANES + lane]
            w[(H + k) * LANES + lane] ^= found & w[ACTIVE * LANES + lane]


@kernel
def _lay(room: Bytes, begin: int, source: Bytes, start: int, stop: int, at: int) -> None:
    """Copy what of ``source[start:stop]``, which stands at ``at``, falls into the block at ``begin``."""
    first = max(begin, at)
    size = min(begin + BLOCK_BYTES, at + stop - start) - first
    if size > 0:
        to, frm = np.uint64(first - begin), np.uint64(start + first - at)
        for k in range(np.uint64(size)):
            room[to + k] = source[frm + k]


@kernel
def _load(
    w: Words,
    lane: int,
    begun: Midway,
    source: Bytes,
    start: int,
    stop: int,
    suffix: Bytes,
    begin: int,
    block: Words,
    room: Bytes,
) -> None:
    """Lane ``lane``'s block at ``begin`` of what is held, the text and the suffix."""
    held, size = len(begun.held), len(begun.held) + stop - start + len(suffix)
    is_last = size <= begin + BLOCK_BYTES
    is_active = begin < size or begin == 0
    w[COUNT * LANES + lane] = np.uint64(begun.taken + min(size, begin + BLOCK_BYTES))
    w[LAST * LANES + lane] = _ALL if is_last else _NONE
    w[ACTIVE * LANES + lane] = _ALL if is_active else _NONE
    if not is_active:
        return
    for k in range(max(size - begin, 0), BLOCK_BYTES):
        room[k] = 0
    _lay(room, begin, begun.held, 0, held, 0)
    _lay(room, begin, source, start, stop, held)
    _lay(room, begin, suffix, 0, len(suffix), held + stop - start)
    for k in range(16):
        w[(M + k) * LANES + lane] = block[k]


@kernel
def hash_rows(
    begun: Midway,
    pool: Bytes,
    bounds: NDArray[np.int64],
    suffix: Bytes,
    w: Words,
    block: Words,
    room: Bytes,
    digests: Words,
) -> None:
    """Row i of ``digests`` (n, 8) becomes the hash of what has begun, text i and ``suffix``.

    ``w`` (ROWS * LANES,) and ``block`` (16,) are room to work in; ``room`` (128,) is ``block`` as bytes.
    """
    n, around = len(bounds), len(begun.held) + len(suffix)
    for first in range(0, n, LANES):
        lanes = min(LANES, n - first)
        longest = 0
        for lane in range(LANES):
            w[ACTIVE * LANES + lane] = _NONE
            for k in range(8):
                w[(H + k) * LANES + lane] = begun.h[k]
        for lane in range(lanes):
            longest = max(longest, bounds[first + lane, 1] - bounds[first + lane, 0] + around)
        for begin in range(0, max(longest, 1), BLOCK_BYTES):
            for lane in range(lanes):
                start, stop = bounds[first + lane, 0], bounds[first + lane, 1]
                _load(w, lane, begun, pool, start, stop, suffix, begin, block, room)
            compress(w)
        for lane in range(lanes):
            for k in range(8):
                digests[first + lane, k] = w[(H + k) * LANES + lane]
