"""Features of many payments from whole logs at once: what replay folds by, bit for bit as a worker does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import arena
from .folding import Compiled, TimelinesFull
from .idtable import make_table
from .kernels_fold import FULL
from .kernels_plan import STEP_FEATURE, arithmetic_of, make_plan
from .kernels_rows import KIND_TRANSACTION
from .kernels_settle import settle
from .kernels_state import State, make_ends, make_slots
from .kernels_walk import ABSENT, Walk, walk_logs

__all__ = ["ABSENT", "Asks", "LogWalker", "warm_up"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Asks:
    """q payments that ask for their features of one entity, by log and then by ``after``.

    ``after`` (q,): how many records of its log the payment saw, its own included where ``is_kept`` (q,);
    ``own`` (q, W): its row in layout words, as its log has it; ``starts`` (u + 1,): where each log's begin.
    """

    after: Integers
    is_kept: NDArray[np.bool_]
    own: Integers
    starts: Integers


class LogWalker:
    """Folds whole logs of a feature set, one after the other in one piece of memory.

    It grows with the longest log: about 4 cells of 8 bytes for each of at least 5 columns per record.
    """

    def __init__(self, features: Compiled) -> None:
        self._program = features.program
        self.entities = len(features.entities)
        self.features = len(features.program.kind)
        self._plan = make_plan(features.program, self.entities, features.lateness_ms)
        self._arithmetic = arithmetic_of(features.program)
        self._edges = np.empty(len(self._plan.edges) + 1, np.int64)
        self._held = np.empty(self._plan.held, np.int64)
        self._past = make_slots(1, self._plan.streams, len(self._plan.edges))
        self._room = 0
        self._scratch = np.empty(0, np.int64)

    def columns_of(self, entity: int) -> NDArray[np.intp]:
        """The columns of the matrix that the entity's logs fill."""
        first, last = self._plan.cuts[entity, 1], self._plan.cuts[entity + 1, 1]
        return self._plan.steps[first:last, STEP_FEATURE].astype(np.intp)

    def walk(
        self, entity: int, rows: Integers, steps: Integers, logs: Integers, asks: Asks
    ) -> NDArray[np.float64]:
        """(q, d): the entity's features of every ask, NaN in all other columns.

        ``rows`` (r, W) in layout words; ``steps`` (s,), log after log, the row at each index or `ABSENT`;
        ``logs`` (u + 1,) where each log starts in them. An ask behind its log's end stays NaN. Raises
        TimelinesFull for a log longer than 2**29 records.
        """
        longest = int(np.diff(logs).max(initial=0))
        self._make_room(longest)
        matrix = np.full((len(asks.after), self.features), np.nan)
        walk = Walk(
            np.ascontiguousarray(rows),
            steps,
            logs,
            asks.after,
            asks.is_kept,
            np.ascontiguousarray(asks.own),
            asks.starts,
            matrix,
            self._past,
            self._edges,
            self._held,
            self._scratch,
        )
        if walk_logs(self._state, self._plan, walk, entity) == FULL:
            raise TimelinesFull(f"a log of {longest} records")
        return matrix

    def settle(self, matrix: NDArray[np.float64]) -> None:
        """Fill the arithmetic features of ``matrix`` (n, d) from its other columns."""
        settle(self._program, self._arithmetic, matrix)

    def _make_room(self, longest: int) -> None:
        """Room for a log that moves from one piece to the next larger while it grows, in each stream."""
        if self._room and longest <= self._room:
            return
        self._room = max(1 << longest.bit_length(), 1024)
        plan = self._plan
        self._state = State(
            arena.make_arena(4 * self._room, plan.columns),
            make_slots(1, plan.streams, len(plan.edges)),
            make_table(4 * self._room),
            make_ends(),
        )
        self._scratch = np.empty(2 * (self._room + 1), np.int64)


def warm_up(features: Compiled) -> None:
    """Compile the walk, or load it from numba's cache."""
    walker = LogWalker(features)
    row = np.zeros(1, features.layout.dtype)
    row["kind"] = KIND_TRANSACTION
    words = row.view(np.int64).reshape(1, -1)
    one, ends = np.ones(1, np.int64), np.array([0, 1], np.int64)
    asks = Asks(one, np.ones(1, np.bool_), words, ends)
    walker.settle(walker.walk(0, words, np.zeros(1, np.int64), ends, asks))
