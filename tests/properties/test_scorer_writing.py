"""Records written from parts are the very bytes that the codec writes of the whole."""

from __future__ import annotations

from typing import Any, cast
from unicodedata import normalize

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.core.columns import columns_of
from services.scorer.core.deciding import Answers, Deciding, Lane, Scores
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Batch, Seen, Stamp, Timings, decisions, predictions
from services.scorer.core.payments import payments_of
from shared.bus.ports import Taken
from shared.contracts.bounds import is_clean_text
from shared.contracts.codec import decode, encode
from shared.contracts.decisions import Decision, DecisionCore, Prediction
from shared.contracts.ids import KIND_TRANSACTION, decision_id, input_hash, prediction_id
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.contracts.payments import Transaction
from shared.features.compiled import FeatureSet
from shared.scoring.decide import Verdict
from shared.scoring.identity import core_bytes, core_hash

MODEL = ModelRef(name='model "7"', version="1", artefact="a" * 64)
CONTENT = ReleaseContent(
    portfolio="p",
    feature_set="f" * 64,
    layout="l" * 64,
    champion=MODEL,
    challengers=[],
    shadows=[],
    rules=[],
    lists=[],
    policy=Policy(),
    rates_ppm={},
    split_salt="s",
)
RELEASE = Release(
    v=1,
    seq=3,
    at_ms=1_700_000_000_000,
    by="b",
    reason="r",
    content=CONTENT,
    prev_hash="",
    hash="h" * 64,
    signer="s",
    signature="",
    request_id="q",
)
STAMP = Stamp(1_700_000_000_123, 'scorer-"1"')
TIMINGS = Timings(1, 2, 3, 4, 5, 6)
TEXT = (
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
    .map(lambda text: normalize("NFC", text))
    .filter(is_clean_text)
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


def deciding(with_model: bool) -> Deciding:
    lane = Lane("champion", MODEL, cast(Any, None), cast(Any, None))
    return Deciding(RELEASE, cast(FeatureSet, None), (lane,) if with_model else ())


@st.composite
def items(draw: st.DrawFn) -> Item:
    tx = Transaction(
        v=1,
        tx_id=draw(TEXT),
        account_id=draw(TEXT),
        event_time_ms=draw(st.integers(10**12, 4 * 10**12)),
        amount_minor=draw(st.integers(0, 10**12)),
        currency="EUR",
        caller=draw(TEXT),
        gateway=draw(TEXT),
    )
    raw = encode(tx)
    taken = Taken("p.transactions", draw(st.integers(0, 3)), draw(st.integers(0, 10**9)), 10**12, b"", raw)
    flags = draw(st.sampled_from([(), ("ahead",), ("late",)]))
    return Item(KIND_TRANSACTION, tx, taken, raw, raw, tx.tx_id, 0, 2, tx.event_time_ms, 5, 0, flags, None)


def answered(some: list[Item]) -> Answers:
    """Two kinds of answers, so that the distinct ones are told apart; flagged payments reach no threshold."""
    choices: list[tuple[Verdict, tuple[str, ...]]] = [
        (Verdict("review", ["score_review", "state_rebuilding"], None if flags else 0.3), flags)
        for flags in ((), ("ahead",), ("late",))
    ]
    codes = [[flags for _, flags in choices].index(item.flags) for item in some]
    return Answers(choices, np.array(codes, np.intp))


def batch_of(some: list[Item], seen: Seen, scores: Scores) -> Batch:
    hashes = np.frombuffer(b"".join([input_hash(item.raw) for item in some]), np.uint8).reshape(-1, 16)
    return Batch(payments_of(some, np.arange(len(some))), columns_of(some), hashes, seen, scores)


@settings(deadline=None)  # the first example compiles the kernel
@given(st.lists(items(), min_size=1, max_size=5), st.booleans(), st.lists(NUMBER, min_size=10, max_size=10))
def test_parts_make_the_bytes_of_the_whole(some: list[Item], with_model: bool, numbers: list[float]) -> None:
    n = len(some)
    matrix = np.array(numbers[:5] * n).reshape(n, 5)
    matrix[0, 0] = np.nan
    versions = np.arange(2 * n).reshape(n, 2)
    lanes = 1 if with_model else 0
    scores = Scores(
        np.array(numbers[:n] * lanes).reshape(lanes, n),
        np.array(numbers[5 : 5 + n] * lanes).reshape(lanes, n),
    )
    batch = batch_of(some, Seen(matrix, versions, 4, "rebuilding"), scores)
    made = decisions(deciding(with_model), batch, answered(some), STAMP)
    assert len(made.bodies) == len(made.core_hashes) == n
    for i, (item, body) in enumerate(zip(some, made.bodies.tolist(), strict=True)):
        whole = decode(Decision, body)
        assert encode(whole) == body
        tx = batch.payments.records[i]
        assert (whole.tx_id, whole.account_id, whole.caller) == (tx.tx_id, tx.account_id, tx.caller)
        assert whole.decision_id == decision_id("p", tx.tx_id)
        assert (whole.flags, whole.threshold) == (list(item.flags), None if item.flags else 0.3)
        assert (whole.partition, whole.offset) == (item.message.partition, item.message.offset)
        assert whole.input_hash == input_hash(item.raw).hex()
        assert whole.entity_versions == [2 * i, 2 * i + 1]
        assert whole.score == (scores.score[0, i] if with_model else None)
        core = DecisionCore(**{f: getattr(whole, f) for f in DecisionCore.__struct_fields__})
        assert whole.core_hash == made.core_hashes[i].tobytes().hex() == core_hash(core_bytes(core))
        # The core can be cut out of the decision again: what a verifier hashes.
        assert body.startswith(core_bytes(core)[:-1] + b',"core_hash":"')


@settings(deadline=None)  # the first example compiles the kernel
@given(st.lists(items(), min_size=1, max_size=5), st.lists(NUMBER, min_size=10, max_size=10))
def test_predictions_too(some: list[Item], numbers: list[float]) -> None:
    n = len(some)
    scores = Scores(np.array([numbers[:n]]), np.array([numbers[5 : 5 + n]]))
    seen = Seen(np.full((n, 3), np.nan), np.zeros((n, 1), np.int64), 1, "exact")
    batch = batch_of(some, seen, scores)
    (lane,) = predictions(deciding(True), batch, TIMINGS, STAMP)
    assert len(lane) == n
    for i, body in enumerate(lane.tolist()):
        whole = decode(Prediction, body)
        assert encode(whole) == body
        tx = batch.payments.records[i]
        expected = prediction_id(tx.tx_id, MODEL.name, MODEL.version, CONTENT.feature_set, "champion")
        assert (whole.prediction_id, whole.tx_id, whole.missing_inputs) == (expected, tx.tx_id, 3)
        assert (whole.raw_score, whole.score) == (numbers[i], numbers[5 + i])
        assert whole.queue_ms == STAMP.decided_at_ms - 10**12


def test_a_batch_without_payments_gives_no_records() -> None:
    nothing = Scores(np.empty((1, 0)), np.empty((1, 0)))
    batch = batch_of([], Seen(np.empty((0, 3)), np.empty((0, 2), np.int64), 1, "exact"), nothing)
    made = decisions(deciding(True), batch, Answers([], np.empty(0, np.intp)), STAMP)
    assert (made.bodies.tolist(), made.core_hashes.shape) == ([], (0, 16))
    assert [lane.tolist() for lane in predictions(deciding(True), batch, TIMINGS, STAMP)] == [[]]
