"""Captures: inputs and outputs of one input partition and micro-batch as a schema-less Arrow batch.

The message body is one Arrow IPC record-batch message without its schema; `schema` rebuilds it from the
shape ``(d, e)`` in the header, and the header's hash proves that both sides mean the same columns.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import pyarrow as pa

from .ids import content_hash

KIND_TRANSACTION: Final = 1
KIND_LABEL: Final = 2
KIND_ACTIVITY: Final = 3

CAPTURE_LIMIT_BYTES: Final = 524_288
"""A capture above this size is split into several messages."""


REPEAT_SHIFT: Final = 40
"""A repeat is written as ``entity * 2**40 + index``."""


@cache
def schema(features: int, entities: int) -> pa.Schema:
    """Columns of a capture of ``features`` = d inputs and ``entities`` = e timelines.

    One row per record appended. ``vector`` (d,) is null for labels and activities; ``versions`` (e,)
    is this record's index in each entity's timeline, -1 where it has none; ``repeats`` lists later
    indices of the same record as ``entity * 2**40 + index``; ``raw`` and ``score`` have one value per
    lane of the release (champion first); ``score`` is the calibrated one.
    """
    return pa.schema(
        [
            pa.field("kind", pa.uint8(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            pa.field("event_time_ms", pa.int64(), nullable=False),
            pa.field("ingest_time_ms", pa.int64(), nullable=False),
            pa.field("input_hash", pa.binary(16), nullable=False),
            pa.field("epoch", pa.int64(), nullable=False),
            pa.field("versions", pa.list_(pa.int64(), entities), nullable=False),
            pa.field("repeats", pa.list_(pa.int64()), nullable=False),
            pa.field("vector", pa.list_(pa.float64(), features)),
            pa.field("release_seq", pa.int64(), nullable=False),
            pa.field("raw", pa.list_(pa.float64()), nullable=False),
            pa.field("score", pa.list_(pa.float64()), nullable=False),
            pa.field("action", pa.uint8()),
            pa.field("state_quality", pa.uint8(), nullable=False),
            pa.field("amount_base_minor", pa.int64(), nullable=False),
            pa.field("mark_ms", pa.int64(), nullable=False),
            pa.field("core_hash", pa.binary(16)),
        ]
    )


@cache
def schema_hash(features: int, entities: int) -> str:
    """The hash that the header `headers.SCHEMA` carries."""
    return content_hash(schema(features, entities).to_string().encode())[:32]


def encode_capture(batch: pa.RecordBatch) -> bytes:
    """The batch's IPC message without schema."""
    body: bytes = batch.serialize().to_pybytes()
    return body


def decode_capture(body: bytes, features: int, entities: int) -> pa.RecordBatch:
    """The batch in ``body``. Raises ValueError if the bytes are no batch of this shape."""
    try:
        batch = pa.ipc.read_record_batch(pa.py_buffer(body), schema(features, entities))
        batch.validate(full=True)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise ValueError(f"no capture of shape ({features}, {entities}): {error}") from error
    return batch
