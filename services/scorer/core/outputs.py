"""The decision and prediction records of a scored batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.decisions import StateQuality
from shared.contracts.payments import Transaction
from shared.scoring.identity import core_hashes, vector_hashes
from shared.scoring.rows_text import Texts

from .columns import Columns
from .deciding import Answers, Deciding, Scores
from .intake import Item
from .writing import (
    DecisionWriter,
    Evidence,
    PredictionWriter,
    ScoreTexts,
    Stamp,
    Timings,
    Words,
    numbers,
)

__all__ = ["Batch", "Decided", "Seen", "Stamp", "Timings", "decisions", "predictions"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the fold gave for the payments of a batch: (n, d) inputs, (n, e) versions, one epoch."""

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    epoch: int
    quality: StateQuality


@dataclass(frozen=True, slots=True)
class Decided:
    """n decisions as bytes, and the hashes (n, 16) of their cores."""

    bodies: list[bytes]
    core_hashes: NDArray[np.uint8]


class Batch:
    """The payments of a batch with what was seen and scored, in the items' order.

    ``hashes`` (n, 16) are those of the inputs; ``keys`` are the keys of the records that go out.
    """

    def __init__(
        self, items: list[Item], columns: Columns, hashes: NDArray[np.uint8], seen: Seen, scores: Scores
    ) -> None:
        self.items, self.columns, self.hashes = items, columns, hashes
        self.seen, self.scores = seen, scores
        self.payments = [_payment(item) for item in items]
        self.words = Words(items, self.payments)

    @property
    def keys(self) -> list[bytes]:
        """Account ids as bytes."""
        return self.words.accounts if self.items else []


def _payment(item: Item) -> Transaction:
    assert isinstance(item.record, Transaction)
    return item.record


def decisions(deciding: Deciding, batch: Batch, answers: Answers, stamp: Stamp) -> Decided:
    """Each payment's decision; none of a batch that holds labels and activities alone."""
    if not batch.items:
        return Decided([], np.empty((0, 16), np.uint8))
    seen, n = batch.seen, len(batch.items)
    writer = DecisionWriter(deciding, seen.epoch, seen.quality, stamp)
    scored = _scored(batch.scores, 0) if deciding.champion else ScoreTexts(*[numbers([None] * n)] * 2)
    amounts = np.array([tx.amount_minor for tx in batch.payments], np.int64)
    evidence = Evidence(seen.versions, batch.hashes, vector_hashes(seen.matrix))
    cores = writer.cores(batch.columns, amounts, batch.words, answers, scored, evidence)
    hashes = core_hashes(_rows(cores))
    return Decided(_rows(writer.wholes(cores, hashes, batch.columns, batch.words)), hashes)


def predictions(deciding: Deciding, batch: Batch, timings: Timings, stamp: Stamp) -> list[list[bytes]]:
    """Telemetry: for each lane a record of every payment."""
    if not batch.items:
        return []
    missing = np.isnan(batch.seen.matrix).sum(axis=1)
    quality = batch.seen.quality
    return [
        _rows(
            PredictionWriter(deciding, lane, quality, timings, stamp).write(
                batch.columns, batch.words, _scored(batch.scores, row), missing
            )
        )
        for row, lane in enumerate(deciding.lanes)
    ]


def _scored(scores: Scores, lane: int) -> ScoreTexts:
    return ScoreTexts(numbers(scores.score[lane].tolist()), numbers(scores.raw[lane].tolist()))


def _rows(texts: Texts) -> list[bytes]:
    pool = texts.pool
    return [pool[start:stop] for start, stop in texts.bounds.tolist()]
