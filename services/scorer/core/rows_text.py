"""A batch of records as text: what is equal in all of them is given once, the rest as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.texts import Texts, lines, together

from .kernels_text import CONSTANT, HEX, INTEGER, INTEGER_BYTES, TEXT, write_rows


@dataclass(frozen=True, slots=True, eq=False)
class Hex:
    """One digest per row, (n, bytes), to be written as hex digits; all of one `write` are of one length."""

    digests: NDArray[np.uint8]


FEW = 6
"""Up to this many rows are joined part by part: gathering columns for the kernel costs more."""

Part = str | Texts | Hex | NDArray[np.int64]
"""A constant, or a column of n texts, digests or integers (none of them the least int64)."""


def write(parts: Sequence[Part], n: int) -> Texts:
    """Rows 0..n-1, each of them every part in turn. Raises ValueError for a column of another length."""
    return write_few(parts, n) if n <= FEW else write_many(parts, n)


def write_few(parts: Sequence[Part], n: int) -> Texts:
    """`write`, part by part."""
    columns = [_pieces(part, n) for part in parts]
    if lengths := {len(column) for column in columns} - {n}:
        raise ValueError(f"columns of {sorted(lengths)} rows for {n}")
    return together([b"".join([column[row] for column in columns]) for row in range(n)])


def _pieces(part: Part, n: int) -> list[bytes]:
    """What a part puts into each of n rows."""
    if isinstance(part, str):
        return [part.encode()] * n
    if isinstance(part, Texts):
        return part.tolist()
    if isinstance(part, Hex):
        return [digest.tobytes().hex().encode() for digest in part.digests]
    return [b"%d" % number for number in part.tolist()]


def write_many(parts: Sequence[Part], n: int) -> Texts:
    """`write`, by the kernel."""
    gathered = _Gathered()
    for part in parts:
        gathered.add(part)
    return gathered.write(n)


def warm_up() -> None:
    """Compile the kernel, or load it from numba's cache."""
    write_many(["", lines(b"x"), np.zeros(1, np.int64), Hex(np.zeros((1, 16), np.uint8))], 1)


class _Gathered:
    """The parts of a row as the kernel wants them."""

    def __init__(self) -> None:
        self._program: list[tuple[int, int, int]] = []
        self._constants = bytearray()
        self._pools: dict[int, tuple[bytes, int]] = {}
        self._pooled = 0
        self._bounds: list[NDArray[np.int64]] = []
        self._integers: list[NDArray[np.int64]] = []
        self._digests: list[NDArray[np.uint8]] = []

    def add(self, part: Part) -> None:
        if isinstance(part, str):
            start = len(self._constants)
            self._constants += part.encode()
            self._program.append((CONSTANT, start, len(self._constants)))
        elif isinstance(part, Texts):
            self._program.append((TEXT, len(self._bounds), 0))
            self._bounds.append(part.bounds + self._pool(part.pool))
        elif isinstance(part, Hex):
            self._program.append((HEX, len(self._digests), 0))
            self._digests.append(part.digests)
        else:
            self._program.append((INTEGER, len(self._integers), 0))
            self._integers.append(part)

    def _pool(self, pool: bytes) -> int:
        """Where ``pool`` starts among all of them; columns of one pool share it."""
        if id(pool) not in self._pools:
            self._pools[id(pool)] = (pool, self._pooled)
            self._pooled += len(pool)
        return self._pools[id(pool)][1]

    def write(self, n: int) -> Texts:
        lengths = {len(c) for columns in (self._bounds, self._integers, self._digests) for c in columns} - {n}
        if lengths:
            raise ValueError(f"columns of {sorted(lengths)} rows for {n}")
        bounds = np.array(self._bounds) if self._bounds else np.empty((0, n, 2), np.int64)
        out, ends = np.empty(self._room(n, bounds), np.uint8), np.zeros(n + 1, np.int64)
        write_rows(
            np.array(self._program, np.int64).reshape(-1, 3),
            np.frombuffer(self._constants, np.uint8),
            np.frombuffer(b"".join([pool for pool, _ in self._pools.values()]), np.uint8),
            bounds,
            np.array(self._integers) if self._integers else np.empty((0, n), np.int64),
            np.array(self._digests) if self._digests else np.empty((0, n, 1), np.uint8),
            out,
            ends,
        )
        return Texts(out[: ends[-1]].tobytes(), np.column_stack((ends[:-1], ends[1:])))

    def _room(self, n: int, bounds: NDArray[np.int64]) -> int:
        """Bytes that n rows take at most."""
        each = len(self._constants) + INTEGER_BYTES * len(self._integers)
        each += sum(2 * int(digests.shape[1]) for digests in self._digests)
        return n * each + int(bounds[:, :, 1].sum() - bounds[:, :, 0].sum())
