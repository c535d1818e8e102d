"""The columns that every table starts with, made from messages and from what was read of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts import headers
from shared.contracts.card_numbers import masked, masked_text

from .shapes import Message, Shape

DAY_MS: Final = 86_400_000
OVERSIZE: Final = "oversize"
NO_KEY: Final = -1
"""Key hash of a refused row."""


def look_up_hash(own_id: str) -> int:
    """CRC-32 of an id: spreads ids evenly, so that files sorted by it exclude each other."""
    return crc32(own_id.encode())


def is_tick(message: Message) -> bool:
    """Whether ``message`` is a load's tick or a tombstone: it holds no record."""
    return not message.value


def load_id(message: Message) -> str | None:
    """The load that the message belongs to, or None for live traffic."""
    for name, value in message.headers:
        if name == headers.LOAD:
            return masked_text(value.decode("utf-8", "replace"))
    return None


def assemble(
    shape: Shape,
    portfolio: str,
    messages: Sequence[Message],
    refused: Sequence[str | None] | None,
    own: dict[str, pa.Array],
) -> pa.Table:
    """The rows (n,) of one message each: coordinates from ``messages``, the record's columns in ``own``.

    ``refused`` has a reason code per row, None where the record is good; None: all are good. Columns that
    ``own`` lacks are null.
    """
    n = len(messages)
    ingest = np.fromiter((m.timestamp for m in messages), np.int64, n)
    given: dict[str, pa.Array] = {
        "portfolio": pa.repeat(pa.scalar(portfolio), n),
        "event_day": event_days(own.get(shape.event_time), pa.array(ingest)),
        "topic": pa.array([m.topic for m in messages], pa.string()),
        "partition": pa.array(np.fromiter((m.partition for m in messages), np.int32, n)),
        "offset": pa.array(np.fromiter((m.offset for m in messages), np.int64, n)),
        "ingest_time_ms": pa.array(ingest),
        "load_id": _texts(messages, load_id),
        "raw_bytes": _raws(shape, messages, refused),
        "key_hash": key_hashes(own.get(shape.look_up), n),
        **own,
    }
    if refused is not None:
        given["refused_reason"] = pa.array(refused, pa.string())
    return table_of(shape.columns, given, n)


def table_of(columns: pa.Schema, given: dict[str, pa.Array], n: int) -> pa.Table:
    """A table (n,) of all ``columns``; those not ``given`` are null."""
    arrays = [given[f.name] if f.name in given else pa.nulls(n, f.type) for f in columns]
    return pa.Table.from_arrays(arrays, schema=columns)


def event_days(event_time_ms: pa.Array | None, ingest_time_ms: pa.Array) -> pa.Array:
    """UTC days (n,) of the events, or of the ingest where the event has no readable time."""
    times = ingest_time_ms if event_time_ms is None else pc.coalesce(event_time_ms, ingest_time_ms)
    days = np.floor_divide(times.to_numpy(zero_copy_only=False), DAY_MS).astype(np.int32)
    return pa.array(days).cast(pa.date32())


def key_hashes(ids: pa.Array | None, n: int) -> pa.Array:
    """`look_up_hash` (n,) of each id, `NO_KEY` where there is none."""
    if ids is None:
        return pa.array(np.full(n, NO_KEY, np.int64))
    keys = [NO_KEY if i is None else crc32(i) for i in ids.cast(pa.binary()).to_pylist()]
    return pa.array(keys, pa.int64())


def _texts(messages: Sequence[Message], of: Callable[[Message], str | None]) -> pa.Array:
    # Most messages have no header at all, so they are not looked through one by one.
    return pa.array([of(m) if m.headers else None for m in messages], pa.string())


def _raws(shape: Shape, messages: Sequence[Message], refused: Sequence[str | None] | None) -> pa.Array:
    """Original bytes (n,) of all or of refused rows; of an oversize record the dead letter has the hash.

    In what is refused card numbers are masked; what is accepted holds none.
    """
    if refused is None:
        n = len(messages)
        return (
            pa.array([m.value for m in messages], pa.binary()) if shape.keep_raw else pa.nulls(n, pa.binary())
        )
    kept = [
        (masked(m.value or b"") if code else m.value)
        if code != OVERSIZE and (shape.keep_raw or code)
        else None
        for m, code in zip(messages, refused, strict=True)
    ]
    return pa.array(kept, pa.binary())
