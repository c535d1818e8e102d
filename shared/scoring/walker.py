"""Kernels that sum a forest's leaves for a matrix, bitwise as LightGBM does.

Each split asks ``x <= threshold`` of a *column*: a feature prepared once per row so that the comparison
alone also gives the right side for missing values (minus infinity always goes left, NaN always right).

Rows go through in tiles. In a tile of some rows, a tree of at most 64 leaves is not walked but masked:
every split clears, in rows that go right, the leaves of its left subtree from a 64-bit set, and the
lowest leaf left is the exit (Lucchese et al., "QuickScorer", SIGIR 2015). That has no branch and no
dependent load, and the compiler turns the loop over rows into vector instructions. Few rows, or taller
trees, walk. Either way one leaf per tree is added in tree order, starting from 0.0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

ZERO_LIMIT: Final = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold: inputs of at most this size are zero to it."""

MASK_LEAVES: Final = 64
TILE_ROWS: Final = 64
WALK_ROWS: Final = 3  # measured: up to so many rows walking beats masking
_LANES: Final = 8
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_ONE: Final = np.uint64(1)

# A de Bruijn sequence: its 64 windows of six bits differ, so (1 << i) * _BRUIJN >> 58 names i.
_BRUIJN: Final = np.uint64(0x03F7_9D71_B4CB_0A89)
_SHIFT: Final = np.uint64(58)
_BIT: Final = np.zeros(64, dtype=np.int64)
for _i in range(64):
    _BIT[((int(_BRUIJN) << _i) & int(_ALL)) >> 58] = _i

Reals = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True)
def _prepare(matrix: Reals, first: int, rows: int, sources: Ints, tile: Reals) -> None:
    """Fills ``tile`` (c, TILE_ROWS): row k of ``sources`` is (feature, missing type, default left)."""
    for c in range(sources.shape[0]):
        feature, missing, left = sources[c, 0], sources[c, 1], sources[c, 2]
        for r in range(rows):
            x = matrix[first + r, feature]
            # LightGBM drops such values while it copies a row, before any split sees them.
            if abs(x) <= ZERO_LIMIT:
                x = 0.0
            if missing == 2:
                if left == 1 and x != x:
                    x = -np.inf
            else:
                if x != x:
                    x = 0.0
                if missing == 1 and x == 0.0:
                    x = -np.inf if left == 1 else np.nan
            tile[c, r] = x


@njit(cache=True)
def _walk(
    tile: Reals,
    rows: int,
    node: int,
    leaf: int,
    columns: NDArray[np.uint32],
    thresholds: Reals,
    children: Ints,
    values: Reals,
    sums: Reals,
) -> None:
    """Adds one tree's leaf to each row by stepping down from ``node`` (``leaf`` if it has no split)."""
    for r in range(rows):
        k = node if node >= 0 else ~leaf
        while k >= 0:
            k = children[k, 1 if tile[columns[k], r] <= thresholds[k] else 0]
        sums[r] += values[~k]


@njit(cache=True)
def _mask(
    tile: Reals,
    width: int,
    node: int,
    end: int,
    leaf: int,
    columns: NDArray[np.uint32],
    thresholds: Reals,
    masks: NDArray[np.uint64],
    values: Reals,
    sums: Reals,
    sets: NDArray[np.uint64],
) -> None:
    """Adds one tree's leaf to ``width`` rows by masks; four splits a pass keep the sets in registers."""
    for r in range(width):
        sets[r] = _ALL
    i = node
    while i + 3 < end:
        a, b, c, d = tile[columns[i]], tile[columns[i + 1]], tile[columns[i + 2]], tile[columns[i + 3]]
        ta, tb, tc, td = thresholds[i], thresholds[i + 1], thresholds[i + 2], thresholds[i + 3]
        ma, mb, mc, md = masks[i], masks[i + 1], masks[i + 2], masks[i + 3]
        for r in range(width):
            sets[r] &= (
                (_ALL if a[r] <= ta else ma)
                & (_ALL if b[r] <= tb else mb)
                & (_ALL if c[r] <= tc else mc)
                & (_ALL if d[r] <= td else md)
            )
        i += 4
    while i < end:
        a, ta, ma = tile[columns[i]], thresholds[i], masks[i]
        for r in range(width):
            sets[r] &= _ALL if a[r] <= ta else ma
        i += 1
    for r in range(width):
        lowest = sets[r] & (~sets[r] + _ONE)
        sums[r] += values[leaf + _BIT[(lowest * _BRUIJN) >> _SHIFT]]


@njit(cache=True)
def sum_leaves(
    matrix: Reals,
    sources: Ints,
    columns: NDArray[np.uint32],
    thresholds: Reals,
    children: Ints,
    masks: NDArray[np.uint64],
    first_node: Ints,
    first_leaf: Ints,
    values: Reals,
    out: Reals,
) -> None:
    """Writes to ``out`` (n,) the sum of the leaves that each row of ``matrix`` (n, d) falls into.

    Arrays as in `trees.FlatTrees`; nothing is checked here.
    """
    n = matrix.shape[0]
    tile = np.empty((sources.shape[0], TILE_ROWS))
    sets = np.empty(TILE_ROWS, dtype=np.uint64)
    sums = np.empty(TILE_ROWS)
    for first in range(0, n, TILE_ROWS):
        rows = min(TILE_ROWS, n - first)
        # Padding rows hold leftovers: any value leads to some leaf, and none of them is written out.
        width = (rows + _LANES - 1) // _LANES * _LANES
        _prepare(matrix, first, rows, sources, tile)
        sums[:] = 0.0
        for t in range(first_node.shape[0] - 1):
            node, end, leaf = first_node[t], first_node[t + 1], first_leaf[t]
            if rows <= WALK_ROWS or end - node >= MASK_LEAVES:
                start = node if end > node else -1
                _walk(tile, rows, start, leaf, columns, thresholds, children, values, sums)
            else:
                _mask(tile, width, node, end, leaf, columns, thresholds, masks, values, sums, sets)
        out[first : first + rows] = sums[:rows]
