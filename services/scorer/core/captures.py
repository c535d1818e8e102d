"""Captures of a micro-batch: one Arrow batch per input partition, every appended record a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.contracts.capture import CAPTURE_LIMIT_BYTES, encode_capture, schema
from shared.contracts.decisions import ACTIONS

from .intake import Item

_ACTION_CODE: dict[str, int] = {action: code for code, action in enumerate(ACTIONS)}


@dataclass(frozen=True, slots=True)
class CaptureRows:
    """What a batch's captures are made of, all in the items' order.

    ``versions`` (n, e); ``repeats`` one list per row; ``matrix`` (n, d) with NaN rows for records that
    are not decided; ``decided`` (n,) says which are; ``raw`` and ``score`` (lanes, n), ``actions``,
    ``input_hashes`` and ``core_hashes`` hold None or NaN where nothing was decided.
    """

    items: Sequence[Item]
    epoch: int
    quality: int
    release_seq: int
    versions: NDArray[np.int64]
    repeats: Sequence[Sequence[int]]
    matrix: NDArray[np.float64]
    decided: NDArray[np.bool_]
    raw: NDArray[np.float64]
    score: NDArray[np.float64]
    actions: Sequence[str | None]
    input_hashes: Sequence[bytes]
    core_hashes: Sequence[bytes | None]


def captures(rows: CaptureRows) -> Iterator[tuple[int, bytes]]:
    """(partition, capture message) for each input partition, split above the size limit."""
    items = rows.items
    partitions = np.fromiter((item.message.partition for item in items), np.int64, len(items))
    order = np.argsort(partitions, kind="stable")
    whole = _table(rows, order)
    ordered = partitions[order]
    bounds = np.flatnonzero(np.diff(ordered)) + 1
    edges = [0, *bounds.tolist(), len(items)]
    for start, stop in pairwise(edges):
        for body in _split(whole.slice(start, stop - start)):
            yield int(ordered[start]), body


def _split(batch: pa.RecordBatch) -> Iterator[bytes]:
    body = encode_capture(batch)
    if len(body) <= CAPTURE_LIMIT_BYTES or batch.num_rows == 1:
        yield body
        return
    half = batch.num_rows // 2
    yield from _split(batch.slice(0, half))
    yield from _split(batch.slice(half))


def _table(rows: CaptureRows, order: NDArray[np.int64]) -> pa.RecordBatch:
    places = order.tolist()
    items = [rows.items[i] for i in places]
    n, entities = rows.versions.shape
    features = rows.matrix.shape[1]
    decided = rows.decided[order]
    columns: list[Any] = [
        pa.array(_integers([item.kind for item in items]).astype(np.uint8)),
        pa.array([item.own_id for item in items], pa.string()),
        pa.array(_integers([item.message.offset for item in items])),
        pa.array(_integers([item.event_ms for item in items])),
        pa.array(_integers([item.message.timestamp for item in items])),
        _hashes([rows.input_hashes[i] for i in places]),
        pa.array(np.full(n, rows.epoch, np.int64)),
        pa.FixedSizeListArray.from_arrays(pa.array(rows.versions[order].ravel()), entities),
        _lists([rows.repeats[i] for i in places]),
        _vectors(rows.matrix[order], decided, features),
        pa.array(np.full(n, rows.release_seq, np.int64)),
        _lanes(rows.raw[:, order], decided),
        _lanes(rows.score[:, order], decided),
        pa.array([_ACTION_CODE.get(rows.actions[i] or "") for i in places], pa.uint8()),
        pa.array(np.full(n, rows.quality, np.uint8)),
        pa.array(_integers([item.amount_base_minor for item in items])),
        pa.array(_integers([item.mark_ms for item in items])),
        _hashes([rows.core_hashes[i] for i in places]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema(features, entities))


def _integers(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _hashes(values: list[bytes] | list[bytes | None]) -> pa.Array:
    """Hashes of 16 bytes as they lie in memory; only a column with missing ones is built value by value."""
    if None in values:
        return pa.array(values, pa.binary(16))
    whole = b"".join(values)  # type: ignore[arg-type]  # no None, as just seen
    return pa.Array.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(whole)])


def _lists(values: list[Sequence[int]]) -> pa.ListArray:
    if not any(values):
        return pa.ListArray.from_arrays(
            pa.array(np.zeros(len(values) + 1, np.int32)), pa.array([], pa.int64())
        )
    return pa.array([list(v) for v in values], pa.list_(pa.int64()))


def _vectors(matrix: NDArray[np.float64], decided: NDArray[np.bool_], features: int) -> pa.FixedSizeListArray:
    mask = None if decided.all() else pa.array(~decided)
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), features, mask=mask)


def _lanes(values: NDArray[np.float64], decided: NDArray[np.bool_]) -> pa.ListArray:
    """One list per row: a value per lane where it was decided, else empty."""
    lengths = np.where(decided, len(values), 0).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.T[decided].ravel()))
