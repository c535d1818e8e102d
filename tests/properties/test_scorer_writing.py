"""Records written from parts are the very bytes that the codec writes of the whole."""

from __future__ import annotations

import math
import struct
from hashlib import blake2b

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from services.scorer.core.intake import Item
from services.scorer.core.outputs import Batch, Seen, Stamp, Timings, decisions, flagged, predictions
from shared.contracts.codec import decode, encode
from shared.contracts.decisions import Decision, DecisionCore, Flagged, Prediction
from shared.contracts.ids import decision_id, input_hash, prediction_id
from shared.contracts.payments import Transaction
from shared.scoring.deciding import Answers, Scores
from shared.scoring.identity import core_bytes, core_hash
from tests.properties.scorer_batches import (
    CHOICES,
    CONTENT,
    EPOCH,
    MODELS,
    PORTFOLIO,
    RELEASE,
    Case,
    cases,
    large_case,
)

STAMP = Stamp(1_700_000_000_123, 'scorer-"1"')
TIMINGS = Timings(1001, 1002, 1003, 1004, 1005, 1006)


def payment(item: Item) -> Transaction:
    """The payment that the item's own bytes hold."""
    tx = decode(Transaction, item.raw)
    assert tx == item.record
    return tx


def vector_hash(vector: list[float]) -> str:
    alike = [math.nan if math.isnan(value) else value for value in vector]
    return blake2b(struct.pack(f"<{len(alike)}d", *alike), digest_size=16).hexdigest()


def core_of(case: Case, i: int) -> DecisionCore:
    item, (verdict, flags) = case.items[i], CHOICES[case.codes[i]]
    tx, is_scored = payment(item), case.lanes[:1] == ["champion"]
    return DecisionCore(
        v=1,
        decision_id=decision_id(PORTFOLIO, tx.tx_id),
        portfolio=PORTFOLIO,
        tx_id=tx.tx_id,
        account_id=tx.account_id,
        event_time_ms=item.event_ms,
        amount_minor=tx.amount_minor,
        currency=tx.currency,
        action=verdict.action,
        reasons=verdict.reasons,
        flags=list(flags),
        score=float(case.score[0, i]) if is_scored else None,
        raw_score=float(case.raw[0, i]) if is_scored else None,
        threshold=verdict.threshold,
        model='model "7"@9"' if is_scored else None,
        release_seq=RELEASE.seq,
        release_hash=RELEASE.hash,
        feature_set=CONTENT.feature_set,
        layout=CONTENT.layout,
        state_quality=case.quality,
        epoch=EPOCH,
        entity_versions=case.versions[i],
        input_hash=input_hash(item.raw).hex(),
        vector_hash=vector_hash(case.vectors[i]),
    )


def decision_of(case: Case, core: DecisionCore, i: int) -> Decision:
    item, tx = case.items[i], payment(case.items[i])
    return Decision(
        **msgspec.structs.asdict(core),
        core_hash=core_hash(core_bytes(core)),
        partition=item.message.partition,
        offset=item.message.offset,
        ingest_time_ms=item.message.timestamp,
        decided_at_ms=STAMP.decided_at_ms,
        worker=STAMP.worker,
        caller=tx.caller,
        gateway=tx.gateway,
    )


def prediction_of(case: Case, lane: str, i: int) -> Prediction:
    item, model, place = case.items[i], MODELS[lane], case.lanes.index(lane)
    tx = payment(item)
    return Prediction(
        v=1,
        prediction_id=prediction_id(tx.tx_id, model.name, model.version, CONTENT.feature_set, lane),
        tx_id=tx.tx_id,
        account_id=tx.account_id,
        event_time_ms=item.event_ms,
        lane=lane,
        model=model.name,
        model_version=model.version,
        feature_set=CONTENT.feature_set,
        raw_score=float(case.raw[place, i]),
        score=float(case.score[place, i]),
        missing_inputs=sum(map(math.isnan, case.vectors[i])),
        caller=tx.caller,
        gateway=tx.gateway,
        queue_ms=STAMP.decided_at_ms - item.message.timestamp,
        release_seq=RELEASE.seq,
        state_quality=case.quality,
        batch_size=len(case.items),
        decode_us=TIMINGS.decode_us,
        state_us=TIMINGS.state_us,
        features_us=TIMINGS.features_us,
        predict_us=TIMINGS.predict_us,
        decide_us=TIMINGS.decide_us,
        cpu_us=TIMINGS.cpu_us,
        worker=STAMP.worker,
    )


def check_decisions(case: Case) -> None:
    made = decisions(case.deciding, case.batch, case.answers, STAMP)
    assert len(made.bodies) == len(made.core_hashes) == len(case.items)
    for i, body in enumerate(made.bodies.tolist()):
        core = core_of(case, i)
        whole = decision_of(case, core, i)
        assert body == encode(whole)
        assert made.core_hashes[i].tobytes().hex() == whole.core_hash
        # The core can be cut out of the decision again: what a verifier hashes.
        assert body.startswith(core_bytes(core)[:-1] + b',"core_hash":"')


def check_flagged(case: Case) -> None:
    rows = case.answers.flagged()
    assert [case.answers.choices[code][0].action == "approve" for code in case.answers.codes.tolist()] == [
        i not in set(rows.tolist()) for i in range(len(case.items))
    ]
    made = decisions(case.deciding, case.batch, case.answers, STAMP).bodies[rows]
    bodies = flagged(made, case.batch.seen.matrix[rows])
    for i, body in zip(rows.tolist(), bodies, strict=True):
        vector = [None if math.isnan(value) else value for value in case.vectors[i]]
        assert body == encode(Flagged(v=1, decision=decision_of(case, core_of(case, i), i), features=vector))


def check_predictions(case: Case) -> None:
    told = predictions(case.deciding, case.batch, TIMINGS, STAMP)
    assert len(told) == len(case.lanes)
    for lane, bodies in zip(case.lanes, told, strict=True):
        wholes = [prediction_of(case, lane, i) for i in range(len(case.items))]
        assert bodies.tolist() == [encode(whole) for whole in wholes]


@settings(deadline=None)  # the first example compiles the kernel
@given(cases())
def test_parts_make_the_bytes_of_the_whole(case: Case) -> None:
    check_decisions(case)
    check_flagged(case)


@settings(deadline=None)  # the first example compiles the kernel
@given(cases())
def test_predictions_too(case: Case) -> None:
    check_predictions(case)


@pytest.mark.parametrize("n", [64, 65, 200])
def test_a_large_batch_too(n: int) -> None:
    case = large_case(n)
    check_decisions(case)
    check_predictions(case)


def test_a_batch_without_payments_gives_no_records() -> None:
    case = large_case(1)
    nothing = np.empty(0, np.intp)
    batch = Batch(
        case.batch.payments[nothing],
        case.batch.columns[nothing],
        case.batch.inputs[nothing],
        Seen(np.empty((0, 3)), np.empty((0, 2), np.int64), 1, "exact"),
        Scores(np.empty((3, 0)), np.empty((3, 0))),
    )
    made = decisions(case.deciding, batch, Answers([], np.empty(0, np.intp)), STAMP)
    assert (made.bodies.tolist(), made.core_hashes.shape) == ([], (0, 16))
    assert [lane.tolist() for lane in predictions(case.deciding, batch, TIMINGS, STAMP)] == [[], [], []]
