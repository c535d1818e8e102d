"""Captures come back from their bytes; cut or damaged ones are refused and never end the process."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.capture import decode_capture, encode_capture, schema, schema_hash

D, E = 5, 3
INDEX = st.integers(-1, 2**40)
FLOATS = st.floats(allow_nan=False)
HASH = st.binary(min_size=16, max_size=16)


def _row(vector: Any, action: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "kind": st.integers(1, 3),
            "id": st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
            "offset": st.integers(0, 2**53),
            "event_time_ms": st.integers(0, 2**53),
            "ingest_time_ms": st.integers(0, 2**53),
            "input_hash": HASH,
            "epoch": st.integers(0, 2**40),
            "versions": st.lists(INDEX, min_size=E, max_size=E),
            "repeats": st.lists(INDEX, max_size=3),
            "vector": vector,
            "release_seq": st.integers(0, 2**40),
            "raw": st.lists(FLOATS, max_size=2),
            "score": st.lists(FLOATS, max_size=2),
            "action": action,
            "state_quality": st.integers(0, 2),
            "amount_base_minor": st.integers(0, 10**12),
            "mark_ms": st.integers(0, 2**53),
            "core_hash": st.none() | HASH,
        }
    )


ROWS = st.lists(
    _row(st.none(), st.none()) | _row(st.lists(FLOATS, min_size=D, max_size=D), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=schema(D, E))


def _one_row() -> dict[str, Any]:
    return {
        "kind": 1,
        "id": "tx-1",
        "offset": 1,
        "event_time_ms": 2,
        "ingest_time_ms": 3,
        "input_hash": bytes(16),
        "epoch": 1,
        "versions": [0] * E,
        "repeats": [],
        "vector": [math.nan, -0.0, 1e-308, math.inf, 0.1],
        "release_seq": 1,
        "raw": [0.1],
        "score": [0.2],
        "action": 0,
        "state_quality": 0,
        "amount_base_minor": 5,
        "mark_ms": 2,
        "core_hash": None,
    }


@given(rows=ROWS)
@settings(max_examples=100, deadline=None)
def test_a_capture_survives_its_bytes(rows: list[dict[str, Any]]) -> None:
    batch = _batch(rows)
    again = decode_capture(encode_capture(batch), D, E)

    assert again.to_pylist() == rows
    assert encode_capture(again) == encode_capture(batch)


def test_vectors_keep_their_bits() -> None:
    sent = _one_row()["vector"]
    got = decode_capture(encode_capture(_batch([_one_row()])), D, E)["vector"].to_pylist()[0]

    assert [math.copysign(1, x) for x in got] == [math.copysign(1, x) for x in sent]
    assert repr(got) == repr(sent)


def test_every_truncation_is_refused() -> None:
    body = encode_capture(_batch([_one_row()]))
    for length in range(0, len(body) - 1, 7):
        with pytest.raises(ValueError, match="no capture of shape"):
            decode_capture(body[:length], D, E)


@given(body=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no capture of shape"):
        decode_capture(body, D, E)


def test_another_shape_is_refused() -> None:
    body = encode_capture(_batch([_one_row()]))

    with pytest.raises(ValueError, match="no capture of shape"):
        decode_capture(body, D + 1, E)


def test_each_shape_has_its_own_hash() -> None:
    hashes = {schema_hash(d, e) for d in (1, 14, 15) for e in (1, 2, 3)}

    assert len(hashes) == 9
    assert all(len(h) == 32 for h in hashes)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_gives_a_batch_of_this_shape_or_is_refused(at: int, bit: int) -> None:
    body = bytearray(encode_capture(_batch([_one_row()] * 3)))
    body[at % len(body)] ^= 1 << bit
    try:
        batch = decode_capture(bytes(body), D, E)
    except ValueError:
        return

    assert batch.schema == schema(D, E)
