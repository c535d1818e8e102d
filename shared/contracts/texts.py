"""Many byte strings in one pool, for what looks at thousands of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEPARATOR = ord("\n")


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """n byte strings: the stretches ``bounds`` (n, 2), from and to, of ``pool``."""

    pool: bytes
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, rows: NDArray[np.intp]) -> Texts:
        return Texts(self.pool, self.bounds[rows])

    def tolist(self) -> list[bytes]:
        """Each as bytes of its own."""
        pool = self.pool
        return [pool[start:stop] for start, stop in self.bounds.tolist()]


def together(parts: Sequence[bytes]) -> Texts:
    """The n ``parts`` end to end."""
    bounds = np.zeros((len(parts), 2), np.int64)
    np.cumsum([len(part) for part in parts], out=bounds[:, 1])
    bounds[1:, 0] = bounds[:-1, 1]
    return Texts(b"".join(parts), bounds)


def joined(columns: Sequence[Texts]) -> Texts:
    """The texts of one or more columns, one column after the other, in one pool."""
    if len(columns) == 1:
        return columns[0]
    starts = np.cumsum([0, *[len(column.pool) for column in columns[:-1]]])
    bounds = [column.bounds + start for column, start in zip(columns, starts, strict=True)]
    return Texts(b"".join([column.pool for column in columns]), np.concatenate(bounds))


def lines(text: bytes) -> Texts:
    """The n texts of ``text``, each but the last followed by a line feed and none holding one."""
    stops = np.flatnonzero(np.frombuffer(text, np.uint8) == _SEPARATOR)
    bounds = np.empty((len(stops) + 1, 2), np.int64)
    bounds[0, 0], bounds[1:, 0] = 0, stops + 1
    bounds[:-1, 1], bounds[-1, 1] = stops, len(text)
    return Texts(text, bounds)
