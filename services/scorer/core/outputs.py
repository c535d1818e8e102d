"""The decision and prediction records of a scored batch, as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import DecisionCore, Prediction, StateQuality
from shared.contracts.payments import Transaction
from shared.scoring.decide import Verdict
from shared.scoring.identity import (
    DecisionIds,
    PredictionIds,
    core_bytes,
    core_hash,
    decision_bytes,
    vector_hashes,
)

from .deciding import Deciding, Scores
from .intake import Item


class Timings(NamedTuple):
    """Microseconds of a micro-batch's stages, and process CPU per record."""

    decode_us: int
    state_us: int
    features_us: int
    predict_us: int
    decide_us: int
    cpu_us: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the fold gave for the payments of a batch: (n, d) inputs, (n, e) versions, one epoch."""

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    epoch: int
    quality: StateQuality


@dataclass(frozen=True, slots=True)
class Stamp:
    """This attempt's readings: when it was decided, and by whom."""

    decided_at_ms: int
    worker: str


class Decided(NamedTuple):
    """One decision's bytes with its key and core hash."""

    key: bytes
    body: bytes
    core_hash: str


def decisions(
    deciding: Deciding,
    items: list[Item],
    hashes: list[bytes],
    seen: Seen,
    scores: Scores,
    answers: list[Verdict],
    stamp: Stamp,
) -> list[Decided]:
    """Each payment's decision, in the items' order; ``hashes`` are their input hashes."""
    cores = _cores(deciding, items, hashes, seen, scores, answers)
    return [_decided(item, core, stamp) for item, core in zip(items, cores, strict=True)]


def _decided(item: Item, core: DecisionCore, stamp: Stamp) -> Decided:
    tx, message = item.record, item.message
    assert isinstance(tx, Transaction)
    bytes_of_core = core_bytes(core)
    hash_of_core = core_hash(bytes_of_core)
    body = decision_bytes(
        bytes_of_core,
        hash_of_core,
        partition=message.partition,
        offset=message.offset,
        ingest_time_ms=message.timestamp,
        decided_at_ms=stamp.decided_at_ms,
        worker=stamp.worker,
        caller=tx.caller,
        gateway=tx.gateway,
    )
    return Decided(tx.account_id.encode(), body, hash_of_core)


def _cores(
    deciding: Deciding,
    items: list[Item],
    hashes: list[bytes],
    seen: Seen,
    scores: Scores,
    answers: list[Verdict],
) -> Iterator[DecisionCore]:
    champion, content, release = deciding.champion, deciding.release.content, deciding.release
    raw = scores.raw[0].tolist() if champion else [None] * len(items)
    score = scores.score[0].tolist() if champion else [None] * len(items)
    versions, vectors = seen.versions.tolist(), vector_hashes(seen.matrix)
    ids = DecisionIds(content.portfolio)
    model = f"{champion.model.name}@{champion.model.version}" if champion else None
    for i, (item, answer) in enumerate(zip(items, answers, strict=True)):
        tx = item.record
        assert isinstance(tx, Transaction)
        yield DecisionCore(
            v=1,
            decision_id=ids.of(tx.tx_id),
            portfolio=content.portfolio,
            tx_id=tx.tx_id,
            account_id=tx.account_id,
            event_time_ms=item.event_ms,
            amount_minor=tx.amount_minor,
            currency=tx.currency,
            action=answer.action,
            reasons=answer.reasons,
            flags=list(item.flags),
            score=score[i],
            raw_score=raw[i],
            threshold=answer.threshold,
            model=model,
            release_seq=release.seq,
            release_hash=release.hash,
            feature_set=content.feature_set,
            layout=content.layout,
            state_quality=seen.quality,
            epoch=seen.epoch,
            entity_versions=versions[i],
            input_hash=hashes[i].hex(),
            vector_hash=vectors[i],
        )


def predictions(
    deciding: Deciding,
    items: list[Item],
    seen: Seen,
    scores: Scores,
    timings: Timings,
    stamp: Stamp,
) -> list[list[bytes]]:
    """Telemetry: for each payment one record per lane."""
    missing = np.isnan(seen.matrix).sum(axis=1).tolist()
    content, release = deciding.release.content, deciding.release
    made: list[list[bytes]] = [[] for _ in items]
    for row, lane in enumerate(deciding.lanes):
        raw, score = scores.raw[row].tolist(), scores.score[row].tolist()
        name, version = lane.model.name, lane.model.version
        ids = PredictionIds(name, version, content.feature_set, lane.name)
        for i, item in enumerate(items):
            tx = item.record
            assert isinstance(tx, Transaction)
            made[i].append(
                encode(
                    Prediction(
                        v=1,
                        prediction_id=ids.of(tx.tx_id),
                        tx_id=tx.tx_id,
                        account_id=tx.account_id,
                        event_time_ms=item.event_ms,
                        lane=lane.name,
                        model=name,
                        model_version=version,
                        feature_set=content.feature_set,
                        raw_score=raw[i],
                        score=score[i],
                        missing_inputs=missing[i],
                        caller=tx.caller,
                        gateway=tx.gateway,
                        queue_ms=stamp.decided_at_ms - item.message.timestamp,
                        release_seq=release.seq,
                        state_quality=seen.quality,
                        batch_size=len(items),
                        decode_us=timings.decode_us,
                        state_us=timings.state_us,
                        features_us=timings.features_us,
                        predict_us=timings.predict_us,
                        decide_us=timings.decide_us,
                        cpu_us=timings.cpu_us,
                        worker=stamp.worker,
                    )
                )
            )
    return made
