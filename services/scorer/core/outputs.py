"""Decisions, predictions and cores of a scored batch, as the bytes that go out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import StateQuality
from shared.contracts.texts import Texts, together
from shared.features.hashing import Digests
from shared.scoring.deciding import Answers, Deciding, Scores
from shared.scoring.identity import core_hashes, vector_hashes

from .columns import Columns
from .payments import Payments
from .writing import DecisionWriter, Evidence, PredictionWriter, ScoreTexts, Stamp, Timings, numbers

__all__ = ["Batch", "Decided", "Seen", "Stamp", "Timings", "decisions", "flagged", "predictions"]

NOTHING = Texts(b"", np.empty((0, 2), np.int64))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the timelines gave for n decided payments: (n, d) inputs, (n, e) versions."""

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    epoch: int
    quality: StateQuality


@dataclass(frozen=True, slots=True)
class Decided:
    """n decisions as bytes, and the hashes (n, 16) of their cores."""

    bodies: Texts
    core_hashes: Digests


class Batch:
    """n payments with what was seen and scored, in one order.

    ``columns`` and ``inputs`` (n, 16), the hashes of their bytes, are those of these payments alone.
    """

    def __init__(
        self, payments: Payments, columns: Columns, inputs: Digests, seen: Seen, scores: Scores
    ) -> None:
        self.payments, self.columns, self.inputs = payments, columns, inputs
        self.seen = seen
        self.scored = [
            ScoreTexts(numbers(score.tolist()), numbers(raw.tolist()))
            for score, raw in zip(scores.score, scores.raw, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.payments.records)


def decisions(deciding: Deciding, batch: Batch, answers: Answers, stamp: Stamp) -> Decided:
    """Each payment's decision; none of a batch that holds labels and activities alone."""
    n, seen, words = len(batch), batch.seen, batch.payments.words
    if not n:
        return Decided(NOTHING, np.empty((0, 16), np.uint8))
    writer = DecisionWriter(deciding, seen.epoch, seen.quality, stamp)
    scored = batch.scored[0] if deciding.champion else _unscored(n)
    amounts = np.array([tx.amount_minor for tx in batch.payments.records], np.int64)
    evidence = Evidence(seen.versions, batch.inputs, vector_hashes(seen.matrix))
    cores = writer.cores(batch.columns, amounts, words, answers, scored, evidence)
    hashes = core_hashes(cores)
    return Decided(writer.wholes(cores, hashes, batch.columns, words), hashes)


def _unscored(n: int) -> ScoreTexts:
    nulls = together([b"null"])[np.zeros(n, np.intp)]
    return ScoreTexts(nulls, nulls)


def flagged(decisions: Texts, matrix: NDArray[np.float64]) -> list[bytes]:
    """Records of k decisions to look at, each with its row of ``matrix`` (k, d); a missing value is null."""
    return [
        b'{"v":1,"decision":%b,"features":%b}' % (decision, encode(row.tolist()))
        for decision, row in zip(decisions.tolist(), matrix, strict=True)
    ]


def predictions(deciding: Deciding, batch: Batch, timings: Timings, stamp: Stamp) -> list[Texts]:
    """Telemetry: for each lane a record of every payment."""
    if not len(batch):
        return [NOTHING for _ in deciding.lanes]
    missing = np.isnan(batch.seen.matrix).sum(axis=1)
    told = []
    for lane, scored in zip(deciding.lanes, batch.scored, strict=True):
        writer = PredictionWriter(deciding, lane, batch.seen.quality, timings, stamp)
        told.append(writer.write(batch.columns, batch.payments.words, scored, missing))
    return told
