"""A batch of records as text: what is equal in all of them is given once, the rest as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .kernels_text import CONSTANT, HEX, INTEGER, INTEGER_BYTES, TEXT, write_rows

_SEPARATOR = ord("\n")


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One text per row: n stretches ``bounds`` (n, 2) of the UTF-8 ``pool``."""

    pool: bytes
    bounds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Hex:
    """One digest per row, (n, bytes), to be written as hex digits; all of one `write` are of one length."""

    digests: NDArray[np.uint8]


Part = str | Texts | Hex | NDArray[np.int64]
"""A constant, or a column of n texts, digests or integers (none of them the least int64)."""


def lines(joined: bytes) -> Texts:
    """The n texts of ``joined``, each but the last followed by a line feed and none holding one."""
    stops = np.flatnonzero(np.frombuffer(joined, np.uint8) == _SEPARATOR)
    bounds = np.empty((len(stops) + 1, 2), np.int64)
    bounds[0, 0], bounds[1:, 0] = 0, stops + 1
    bounds[:-1, 1], bounds[-1, 1] = stops, len(joined)
    return Texts(joined, bounds)


def write(parts: Sequence[Part], n: int) -> Texts:
    """Rows 0..n-1, each of them every part in turn. Raises ValueError for a column of another length."""
    gathered = _Gathered()
    for part in parts:
        gathered.add(part)
    return gathered.write(n)


def warm_up() -> None:
    """Compile the kernel, or load it from numba's cache."""
    write(["", lines(b"x"), np.zeros(1, np.int64), Hex(np.zeros((1, 16), np.uint8))], 1)


class _Gathered:
    """The parts of a row as the kernel wants them."""

    def __init__(self) -> None:
        self._program: list[tuple[int, int, int]] = []
        self._constants = bytearray()
        self._pools = bytearray()
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
            self._bounds.append(part.bounds + len(self._pools))
            self._pools += part.pool
        elif isinstance(part, Hex):
            self._program.append((HEX, len(self._digests), 0))
            self._digests.append(part.digests)
        else:
            self._program.append((INTEGER, len(self._integers), 0))
            self._integers.append(part)

    def write(self, n: int) -> Texts:
        lengths = {len(c) for columns in (self._bounds, self._integers, self._digests) for c in columns}
        if lengths - {n}:
            raise ValueError(f"columns of {sorted(lengths)} rows for {n}")
        out, ends = np.empty(self._room(n), np.uint8), np.zeros(n + 1, np.int64)
        write_rows(
            np.array(self._program, np.int64).reshape(-1, 3),
            np.frombuffer(self._constants, np.uint8),
            np.frombuffer(self._pools, np.uint8),
            np.stack(self._bounds) if self._bounds else np.empty((0, n, 2), np.int64),
            np.stack(self._integers) if self._integers else np.empty((0, n), np.int64),
            np.stack(self._digests) if self._digests else np.empty((0, n, 1), np.uint8),
            out,
            ends,
        )
        return Texts(out[: ends[-1]].tobytes(), np.column_stack((ends[:-1], ends[1:])))

    def _room(self, n: int) -> int:
        """Bytes that n rows take at most."""
        each = len(self._constants) + INTEGER_BYTES * len(self._integers)
        each += sum(2 * int(digests.shape[1]) for digests in self._digests)
        return n * each + sum(int(np.diff(bounds).sum()) for bounds in self._bounds)
