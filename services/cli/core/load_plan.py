"""The order in which a load is sent: payments by event time, each label when it was known, labels first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from shared.features.mapping import Source

from .source_labels import Due, LabelQueue, labels_beside
from .source_rows import Payments, Refused, our, read_payments

STEP_ROWS: Final = 8_192


class Step(NamedTuple):
    """What is sent next; nothing before ``until_ms`` follows. Tables: time_ms, key, value, in order."""

    payments: pl.DataFrame
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
        self.refused: list[Refused] = []

    def add_labels(self, due: Due) -> None:
        """Labels of a file of their own."""
        self._queue.add([due.table])
        self.refused += due.refused

    def steps(self, batches: Iterable[pl.DataFrame]) -> Iterator[Step]:
        """Steps over all payments, the last with every label that is still due."""
        for batch in batches:
            payments = read_payments(self._source, batch)
            self.refused += payments.refused
            self._queue_labels(payments)
            ready = _sendable(payments.table)
            for part in ready.iter_slices(self._step_rows):
                last_ms = int(part["time_ms"][-1])
                yield Step(part, self._due(last_ms), last_ms)
        tail = self._due(None)
        if tail.height:
            yield Step(_EMPTY, tail, int(tail["time_ms"][-1]))

    def _queue_labels(self, payments: Payments) -> None:
        if not self._rule.beside:
            return
        due = labels_beside(self._source, payments.table, self._rule.after_ms, as_mapped=self._rule.as_mapped)
        self._queue.add([due.table])
        self.refused += due.refused

    def _due(self, until_ms: int | None) -> pl.DataFrame:
        return self._queue.take(until_ms).rename({"known_at_ms": "time_ms"})


_EMPTY: Final = pl.DataFrame(schema={"time_ms": pl.Int64, "key": pl.Binary, "value": pl.Binary})


def _sendable(table: pl.DataFrame) -> pl.DataFrame:
    """Good rows as they are sent; a batch in event order may hold equal times in any order."""
    return table.select(
        pl.col(our("event_time_ms")).alias("time_ms"),
        pl.col(our("account_id")).cast(pl.Binary).alias("key"),
        pl.col("value"),
    )
