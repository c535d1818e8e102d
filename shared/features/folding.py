"""What a feature set gives to the fold, what a batch claims, what comes out, and what may be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .layout import Layout
from .program import Program


class Compiled(Protocol):
    """What the fold needs of a feature set."""

    @property
    def program(self) -> Program: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def entities(self) -> Sequence[object]: ...
    @property
    def lateness_ms(self) -> int: ...


class TimelineGap(Exception):
    """The store's answer does not join on to what is known here: a lost log, or an answer out of order."""


class TimelinesFull(Exception):
    """One batch needs more room than the whole budget, or a log is longer than 2**29 records."""


@dataclass(slots=True)
class Claim:
    """A batch's timelines, pinned until it is folded or released.

    ``slots`` (n, e), -1 where a record has no such entity; ``kept`` (n,). In the order of ``keys``:
    ``unique`` (u,) slots, ``known`` records of each log absorbed here, ``counts`` records to append.
    ``order`` are the row numbers to append, the first key's first. ``ended``: folded or released.
    """

    slots: NDArray[np.int64]
    kept: NDArray[np.bool_]
    unique: NDArray[np.int64]
    keys: list[bytes]
    known: NDArray[np.int64]
    counts: NDArray[np.int64]
    order: NDArray[np.int64]
    generation: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a batch of n records gave, over d features and e entities.

    ``matrix`` (n, d) float64, C order: timeline and arithmetic features; NaN in rows that are no
    transactions and where the record has no such entity. ``versions`` (n, e): index of the record's FIRST
    copy in each log, -1 no such entity; -2 - (records of the log it saw) for a row that is not kept, and
    for a payment that came again when something that it saw at first is forgotten. ``repeats`` are (row,
    entity, index) of later copies. ``conflicts`` (n,): the id stands already under another body. ``rows``
    (n,) is the input, repeats restated as their first copy; ``restated`` (n,) marks those whose time or
    amount that changed, so that features of the payment alone can be filled again.
    """

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    repeats: list[tuple[int, int, int]]
    conflicts: NDArray[np.bool_]
    rows: NDArray[Any]
    restated: NDArray[np.bool_]
