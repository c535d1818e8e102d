"""The order in which a load is sent: payments and activities by event time, labels ahead (`turns`).

At one time labels go before activities and these before payments, as the scorer's merge has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from shared.features.mapping import Source

from .source_activities import EMPTY, ActivityQueue
from .source_labels import Due, LabelQueue, labels_beside
from .source_rows import PAYMENT, Refused, Rows, read_rows, sendable

STEP_ROWS: Final = 8_192
STEP_MS: Final = 6 * 3_600_000
"""No step is longer than this in event time: scorers are kept abreast step by step."""

NEVER_MS: Final = 2**62
"""Behind every event time."""

ALL_ROWS: Final = 2**62


class Step(NamedTuple):
    """What is sent next; nothing before ``until_ms`` follows. Tables: time_ms, key, value, in order."""

    payments: pl.DataFrame
    activities: pl.DataFrame
    labels: pl.DataFrame
    until_ms: int


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Where labels come from: beside the payments (or not), how long after them, or as the file says."""

    beside: bool
    after_ms: int
    as_mapped: bool


class LoadPlan:
    """Turns tables in event order into steps; counts what it refuses."""

    def __init__(self, source: Source, rule: LabelRule, step_rows: int = STEP_ROWS) -> None:
        self._source = source
        self._rule = rule
        self._step_rows = step_rows
        self._queue = LabelQueue()
        self._activities = ActivityQueue(source, iter(()))
        self._refused: list[Refused] = []

    @property
    def refused(self) -> list[Refused]:
        """Rows so far that were no records."""
        return [*self._refused, *self._activities.refused]

    def add_labels(self, due: Due) -> None:
        """Labels of a file of their own."""
        self._queue.add([due.table])
        self._refused += due.refused

    def add_activities(self, activities: ActivityQueue) -> None:
        """Activities of a file of their own, instead of none."""
        self._activities = activities

    def steps(self, batches: Iterable[pl.DataFrame]) -> Iterator[Step]:
        """Steps over all payments and activities, the last with every label that is still due."""
        for batch in batches:
            payments = read_rows(PAYMENT, self._source, batch)
            self._refused += payments.refused
            self._queue_labels(payments)
            for part in _slices(sendable(payments.table), self._step_rows):
                yield from self._activities_alone(int(part["time_ms"][0]), self._step_rows)
                last_ms = int(part["time_ms"][-1])
                activities = self._activities.take(last_ms, ALL_ROWS)
                yield Step(part, activities, self._queue.take(last_ms), last_ms)
        yield from self._activities_alone(NEVER_MS, 1)
        tail = self._queue.take()
        if tail.height:
            yield Step(EMPTY, EMPTY, tail, int(tail["time_ms"][-1]))

    def _activities_alone(self, until_ms: int, at_least: int) -> Iterator[Step]:
        """Whole steps of those due before the next payment, so that a long quiet time is not one step."""
        while self._activities.has(until_ms, at_least):
            part = self._activities.take(until_ms, self._step_rows)
            last_ms = int(part["time_ms"][-1])
            yield Step(EMPTY, part, self._queue.take(last_ms), last_ms)

    def _queue_labels(self, payments: Rows) -> None:
        if not self._rule.beside:
            return
        due = labels_beside(self._source, payments.table, self._rule.after_ms, as_mapped=self._rule.as_mapped)
        self._queue.add([due.table])
        self._refused += due.refused


def _slices(table: pl.DataFrame, most_rows: int) -> Iterator[pl.DataFrame]:
    """The rows in order, in slices of at most ``most_rows`` of one `STEP_MS` of the calendar."""
    spans = table["time_ms"].to_numpy() // STEP_MS
    edges = [0, *(np.flatnonzero(np.diff(spans)) + 1).tolist(), table.height]
    for start, end in pairwise(edges):
        yield from table[start:end].iter_slices(most_rows)
