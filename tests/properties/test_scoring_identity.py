"""Assembled decisions equal encoded ones byte for byte; ids and hashes equal their definitions."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.codec import decode, encode
from shared.contracts.decisions import ACTIONS, STATE_QUALITIES, Decision, DecisionCore
from shared.contracts.ids import decision_id, prediction_id
from shared.scoring.identity import (
    DecisionIds,
    PredictionIds,
    core_bytes,
    core_hash,
    decision_bytes,
    vector_hashes,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ID = st.text(st.characters(categories=["L", "N", "P", "S"], max_codepoint=0xFF), min_size=1, max_size=12)
COUNT = st.integers(0, 2**53)
SCORE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
CORE = st.builds(
    DecisionCore,
    v=st.just(1),
    decision_id=TEXT,
    portfolio=TEXT,
    tx_id=ID,
    account_id=ID,
    event_time_ms=st.integers(946_684_800_000, 4_102_444_800_000),
    amount_minor=st.integers(0, 10**12),
    currency=st.sampled_from(["EUR", "JPY"]),
    action=st.sampled_from(ACTIONS),
    reasons=st.lists(TEXT, max_size=3),
    flags=st.lists(TEXT, max_size=2),
    score=SCORE,
    raw_score=SCORE,
    threshold=SCORE,
    model=st.none() | TEXT,
    release_seq=COUNT,
    release_hash=TEXT,
    feature_set=TEXT,
    layout=TEXT,
    state_quality=st.sampled_from(STATE_QUALITIES),
    epoch=COUNT,
    entity_versions=st.lists(st.integers(-1, 2**40), max_size=4),
    input_hash=TEXT,
    vector_hash=TEXT,
)
TAIL = st.fixed_dictionaries(
    {
        **dict.fromkeys(("partition", "offset", "ingest_time_ms", "decided_at_ms"), COUNT),
        **dict.fromkeys(("worker", "caller", "gateway"), TEXT),
    }
)


@settings(max_examples=200, deadline=None)
@given(core=CORE, tail=TAIL)
def test_the_assembled_decision_is_the_encoded_one(core: DecisionCore, tail: dict[str, Any]) -> None:
    body = core_bytes(core)
    digest = core_hash(body)
    assert digest == blake2b(body, digest_size=16).hexdigest()
    made = decision_bytes(body, digest, **tail)
    decision = Decision(**msgspec.structs.asdict(core), core_hash=digest, **tail)
    assert made == encode(decision)
    assert decode(Decision, made) == decision
    # The core can be cut out of the decision again: what a verifier hashes.
    assert body == made[: made.index(b',"core_hash":"' + digest.encode())] + b"}"


@given(portfolio=TEXT, tx_id=TEXT, model=TEXT, version=TEXT, feature_set=TEXT, lane=TEXT)
def test_ids_equal_their_definition(
    portfolio: str, tx_id: str, model: str, version: str, feature_set: str, lane: str
) -> None:
    assert DecisionIds(portfolio).of(tx_id) == decision_id(portfolio, tx_id)
    expected = prediction_id(tx_id, model, version, feature_set, lane)
    assert PredictionIds(model, version, feature_set, lane).of(tx_id) == expected


@given(rows=st.integers(0, 5), features=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_vector_hashes_see_every_bit_but_not_the_kind_of_nan(rows: int, features: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.choice([0.0, 1.5, np.nan, -np.nan, np.inf], size=(rows, features))
    hashes = vector_hashes(matrix)
    assert hashes == vector_hashes(np.where(np.isnan(matrix), -np.nan, matrix))
    assert hashes == [vector_hashes(matrix[i : i + 1])[0] for i in range(rows)]
    if rows:
        changed = matrix.copy()
        changed[0, 0] = np.nextafter(np.nan_to_num(changed[0, 0], nan=2.0, posinf=3.0), 9.0)
        assert vector_hashes(changed)[0] != hashes[0]
        assert vector_hashes(changed)[1:] == hashes[1:]
