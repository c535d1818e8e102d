"""The decision and prediction records of a scored batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.decisions import StateQuality
from shared.contracts.payments import Transaction
from shared.scoring.decide import Verdict
from shared.scoring.identity import vector_hashes

from .deciding import Deciding, Scores
from .intake import Item
from .writing import DecisionWriter, PredictionWriter, Quotes, Stamp, Timings, Words, each, quoted

__all__ = ["Batch", "Decided", "Seen", "Stamp", "Timings", "decisions", "predictions"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the fold gave for the payments of a batch: (n, d) inputs, (n, e) versions, one epoch."""

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    epoch: int
    quality: StateQuality


class Decided(NamedTuple):
    """One decision's bytes with its key and core hash."""

    key: bytes
    body: bytes
    core_hash: str


class Batch:
    """The payments of a batch with what was seen and scored, in the items' order."""

    def __init__(
        self, items: list[Item], hashes: list[bytes], seen: Seen, scores: Scores, quotes: Quotes
    ) -> None:
        self.items, self.hashes, self.seen, self.scores = items, hashes, seen, scores
        self.payments = [_payment(item) for item in items]
        self.words: list[Words] = [quotes.of(i, tx) for i, tx in zip(items, self.payments, strict=True)]


def _payment(item: Item) -> Transaction:
    assert isinstance(item.record, Transaction)
    return item.record


def decisions(deciding: Deciding, batch: Batch, answers: list[Verdict], stamp: Stamp) -> list[Decided]:
    """Each payment's decision; none of a batch that holds labels and activities alone."""
    if not batch.items:
        return []
    seen, n = batch.seen, len(batch.items)
    writer = DecisionWriter(deciding, seen.epoch, seen.quality, stamp)
    scores = _written(batch.scores, 0) if deciding.champion else [("null", "null")] * n
    versions = quoted(seen.versions.tolist())[2:-2].split("],[")
    rows = zip(
        batch.items,
        batch.payments,
        batch.words,
        answers,
        scores,
        versions,
        batch.hashes,
        vector_hashes(seen.matrix),
        strict=True,
    )
    made = []
    for item, tx, words, answer, score, version, hashed, vector in rows:
        core = writer.core(item, tx, words, answer, score, f"[{version}]", (hashed.hex(), vector))
        body, hash_of_core = writer.whole(core, item, words)
        made.append(Decided(tx.account_id.encode(), body, hash_of_core))
    return made


def predictions(deciding: Deciding, batch: Batch, timings: Timings, stamp: Stamp) -> list[list[bytes]]:
    """Telemetry: for each payment one record per lane."""
    if not batch.items:
        return []
    missing = np.isnan(batch.seen.matrix).sum(axis=1).tolist()
    made: list[list[bytes]] = [[] for _ in batch.items]
    for row, lane in enumerate(deciding.lanes):
        writer = PredictionWriter(deciding, lane, batch.seen.quality, timings, stamp, len(batch.items))
        rows = zip(
            made, batch.items, batch.payments, batch.words, _written(batch.scores, row), missing, strict=True
        )
        for told, item, tx, words, score, absent in rows:
            told.append(writer.write(item, tx, words, score, absent))
    return made


def _written(scores: Scores, row: int) -> list[tuple[str, str]]:
    """(calibrated, raw) of one lane, as the codec writes them."""
    return list(zip(each(scores.score[row].tolist()), each(scores.raw[row].tolist()), strict=True))
