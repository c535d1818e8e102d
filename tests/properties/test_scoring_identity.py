"""Ids and hashes of a batch equal their definitions."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.ids import decision_id, prediction_id
from shared.contracts.texts import together
from shared.scoring.identity import DecisionIds, PredictionIds, core_hash, core_hashes, vector_hashes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(TEXT, max_size=4), TEXT, TEXT, TEXT, TEXT, TEXT)
def test_ids_equal_their_definition(
    tx_ids: list[str], portfolio: str, model: str, version: str, feature_set: str, lane: str
) -> None:
    texts = together([tx_id.encode() for tx_id in tx_ids])
    decisions = DecisionIds(portfolio).of_all(texts)
    predictions = PredictionIds(model, version, feature_set, lane).of_all(texts)
    assert decisions.shape == predictions.shape == (len(tx_ids), 16)
    for i, tx_id in enumerate(tx_ids):
        assert decisions[i].tobytes().hex() == decision_id(portfolio, tx_id)
        expected = prediction_id(tx_id, model, version, feature_set, lane)
        assert predictions[i].tobytes().hex() == expected


@given(st.lists(st.binary(max_size=300), max_size=4))
def test_the_hash_of_a_core_is_that_of_its_bytes(cores: list[bytes]) -> None:
    found = [row.tobytes().hex() for row in core_hashes(together(cores))]
    assert found == [core_hash(core) for core in cores]
    assert found == [blake2b(core, digest_size=16).hexdigest() for core in cores]


@given(rows=st.integers(0, 5), features=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_vector_hashes_see_every_bit_but_not_the_kind_of_nan(rows: int, features: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.choice([0.0, 1.5, np.nan, -np.nan, np.inf], size=(rows, features))
    hashes = vector_hashes(matrix)
    assert hashes.shape == (rows, 16)
    assert np.array_equal(hashes, vector_hashes(np.where(np.isnan(matrix), -np.nan, matrix)))
    for i in range(rows):
        assert np.array_equal(vector_hashes(matrix[i : i + 1])[0], hashes[i])
    if rows:
        changed = matrix.copy()
        changed[0, 0] = np.nextafter(np.nan_to_num(changed[0, 0], nan=2.0, posinf=3.0), 9.0)
        assert not np.array_equal(vector_hashes(changed)[0], hashes[0])
        assert np.array_equal(vector_hashes(changed)[1:], hashes[1:])
