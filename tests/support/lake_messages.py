"""Messages as the archiver takes them, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from shared.contracts import capture, headers
from shared.contracts.codec import encode
from shared.contracts.decisions import Decision, Prediction
from shared.contracts.ids import decision_id, input_hash
from shared.contracts.payments import Label, Transaction

T0_MS = 1_700_000_000_000
DAY_MS = 86_400_000
FEATURES, ENTITIES = 3, 2


@dataclass(frozen=True, slots=True)
class FakeMessage:
    """One record of a log."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    timestamp: int = T0_MS + 500
    headers: Sequence[tuple[str, bytes]] = ()
    key: bytes | None = None


def transaction(number: int, at_ms: int | None = None) -> Transaction:
    """A payment named by ``number``."""
    return Transaction(
        v=1,
        tx_id=f"tx-{number:06d}",
        account_id=f"account-{number % 7}",
        event_time_ms=T0_MS + number * 1_000 if at_ms is None else at_ms,
        amount_minor=number,
        currency="EUR",
        terminal_id=f"terminal-{number % 3}",
    )


def label(number: int, verdict: str = "fraud", known_at_ms: int = T0_MS + 7 * DAY_MS) -> Label:
    """A label of the payment ``number``."""
    return Label(
        v=1,
        label_id=f"label-{number}-{verdict}",
        tx_id=f"tx-{number:06d}",
        account_id=f"account-{number % 7}",
        event_time_ms=T0_MS + number * 1_000,
        known_at_ms=known_at_ms,
        verdict=verdict,  # type: ignore[arg-type]  # a test may name any verdict
        source="test",
    )


def decision(
    number: int, score: float | None = 0.25, release_seq: int = 2, portfolio: str = "bank"
) -> Decision:
    """The decision of the payment ``number``."""
    return Decision(
        v=1,
        decision_id=decision_id(portfolio, f"tx-{number:06d}"),
        portfolio=portfolio,
        tx_id=f"tx-{number:06d}",
        account_id=f"account-{number % 7}",
        event_time_ms=T0_MS + number * 1_000,
        amount_minor=number,
        currency="EUR",
        action="approve",
        reasons=["score_low"],
        flags=[],
        score=score,
        raw_score=score,
        threshold=None,
        model="trees" if score is not None else None,
        release_seq=release_seq,
        release_hash="r" * 64,
        feature_set="f" * 64,
        layout="l" * 64,
        state_quality="exact",
        epoch=1,
        entity_versions=[number, -1],
        input_hash="0" * 32,
        vector_hash="1" * 32,
        core_hash="2" * 32,
        partition=number % 2,
        offset=number,
        ingest_time_ms=T0_MS,
        decided_at_ms=T0_MS + 1,
        worker="scorer-1",
        caller="pos",
        gateway="direct",
    )


def prediction(number: int) -> Prediction:
    """The champion's prediction of the payment ``number``."""
    return Prediction(
        v=1,
        prediction_id=f"{number:032x}",
        tx_id=f"tx-{number:06d}",
        account_id=f"account-{number % 7}",
        event_time_ms=T0_MS + number * 1_000,
        lane="champion",
        model="trees",
        model_version="1",
        feature_set="f" * 64,
        raw_score=0.25,
        score=1.0,
        missing_inputs=0,
        caller="pos",
        gateway="direct",
        queue_ms=-2,
        release_seq=2,
        state_quality="exact",
        batch_size=1,
        decode_us=1,
        state_us=1,
        features_us=1,
        predict_us=1,
        decide_us=1,
        cpu_us=1,
        worker="scorer-1",
    )


def capture_body(numbers: Sequence[int], repeats: dict[int, list[int]] | None = None) -> bytes:
    """A capture of the payments ``numbers``; vectors are ``[number, number + 0.5, NaN]``."""
    n = len(numbers)
    values = np.array([[i, i + 0.5, np.nan] for i in numbers], np.float64)
    lists = pa.list_(pa.float64())
    columns = [
        pa.array([capture.KIND_TRANSACTION] * n, pa.uint8()),
        pa.array([f"tx-{i:06d}" for i in numbers]),
        pa.array(list(numbers), pa.int64()),
        pa.array([T0_MS + i * 1_000 for i in numbers], pa.int64()),
        pa.array([T0_MS + 500] * n, pa.int64()),
        pa.array([input_hash(encode(transaction(i))) for i in numbers], pa.binary(16)),
        pa.array([1] * n, pa.int64()),
        pa.array([[i, -1] for i in numbers], pa.list_(pa.int64(), ENTITIES)),
        pa.array([(repeats or {}).get(i, []) for i in numbers], pa.list_(pa.int64())),
        pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), FEATURES),
        pa.array([2] * n, pa.int64()),
        pa.array([[0.1]] * n, lists),
        pa.array([[0.2]] * n, lists),
        pa.array([0] * n, pa.uint8()),
        pa.array([0] * n, pa.uint8()),
        pa.array(list(numbers), pa.int64()),
        pa.array([T0_MS] * n, pa.int64()),
        pa.array([b"c" * 16] * n, pa.binary(16)),
    ]
    return capture.encode_capture(
        pa.RecordBatch.from_arrays(columns, schema=capture.schema(FEATURES, ENTITIES))
    )


CAPTURE_HEADERS = (
    (headers.SHAPE, f"{FEATURES},{ENTITIES}".encode()),
    (headers.SCHEMA, capture.schema_hash(FEATURES, ENTITIES).encode()),
)


def log_of(
    topic: str, records: Sequence[bytes | None], partition: int = 0, start: int = 0
) -> list[FakeMessage]:
    """``records`` on one partition from offset ``start``."""
    header = CAPTURE_HEADERS if topic.endswith("captures") else ()
    return [
        FakeMessage(topic, partition, start + place, value, headers=header)
        for place, value in enumerate(records)
    ]
