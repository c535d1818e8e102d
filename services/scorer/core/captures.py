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
from shared.scoring.deciding import Answers

from .columns import Columns, joined_columns
from .intake import Item

_ACTION_CODE: dict[str, int] = {action: code for code, action in enumerate(ACTIONS)}


@dataclass(frozen=True, slots=True)
class Told:
    """What was answered for the rows of a batch that were decided, in their order.

    ``raw`` and ``score`` (lanes, k), ``actions`` (k,) as places in `ACTIONS`, ``core_hashes`` (k, 16).
    """

    raw: NDArray[np.float64]
    score: NDArray[np.float64]
    actions: NDArray[np.uint8]
    core_hashes: NDArray[np.uint8]


NOTHING_TOLD = Told(np.empty((0, 0)), np.empty((0, 0)), np.empty(0, np.uint8), np.empty((0, 16), np.uint8))


def action_codes(answers: Answers) -> NDArray[np.uint8]:
    """The answers' actions as captures keep them, (n,)."""
    codes = np.array([_ACTION_CODE[verdict.action] for verdict, _ in answers.choices], np.uint8)
    found: NDArray[np.uint8] = codes[answers.codes]
    return found


@dataclass(frozen=True, slots=True)
class CaptureRows:
    """What the captures of n records are made of, in the items' order.

    ``input_hashes`` (n, 16); ``epoch``, ``quality``, ``release_seq`` (n,); ``versions`` (n, e); ``repeats``
    one list per row; ``matrix`` (n, d), of which rows that were not ``decided`` (n,) mean nothing; ``told``
    holds the rows that were.
    """

    items: Sequence[Item]
    columns: Columns
    input_hashes: NDArray[np.uint8]
    epoch: NDArray[np.int64]
    quality: NDArray[np.uint8]
    release_seq: NDArray[np.int64]
    versions: NDArray[np.int64]
    repeats: Sequence[Sequence[int]]
    matrix: NDArray[np.float64]
    decided: NDArray[np.bool_]
    told: Told


def joined_rows(parts: Sequence[CaptureRows]) -> CaptureRows:
    """One after the other; the parts with rows that were decided have the same lanes."""
    if len(parts) == 1:
        return parts[0]
    told = [part.told for part in parts if len(part.told.actions)] or [parts[0].told]
    return CaptureRows(
        items=[item for part in parts for item in part.items],
        columns=joined_columns([part.columns for part in parts]),
        input_hashes=np.concatenate([part.input_hashes for part in parts]),
        epoch=np.concatenate([part.epoch for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        release_seq=np.concatenate([part.release_seq for part in parts]),
        versions=np.concatenate([part.versions for part in parts]),
        repeats=[repeats for part in parts for repeats in part.repeats],
        matrix=np.concatenate([part.matrix for part in parts]),
        decided=np.concatenate([part.decided for part in parts]),
        told=Told(
            np.concatenate([part.raw for part in told], axis=1),
            np.concatenate([part.score for part in told], axis=1),
            np.concatenate([part.actions for part in told]),
            np.concatenate([part.core_hashes for part in told]),
        ),
    )


def captures(rows: CaptureRows, order: NDArray[np.intp], edges: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Capture messages of the stretches ``order[edges[k]:edges[k + 1]]`` of rows, one stretch a partition.

    Yields (partition, body), more than one of a partition where a message would be above the size limit.
    """
    whole = _table(rows, order)
    for start, stop in pairwise(edges):
        for body in _split(whole.slice(start, stop - start)):
            yield int(rows.columns.partition[order[start]]), body


def _split(batch: pa.RecordBatch) -> Iterator[bytes]:
    body = encode_capture(batch)
    if len(body) <= CAPTURE_LIMIT_BYTES or batch.num_rows == 1:
        yield body
        return
    half = batch.num_rows // 2
    yield from _split(batch.slice(0, half))
    yield from _split(batch.slice(half))


def _table(rows: CaptureRows, order: NDArray[np.intp]) -> pa.RecordBatch:
    places = order.tolist()
    entities = rows.versions.shape[1]
    features = rows.matrix.shape[1]
    decided, columns, told = rows.decided[order], rows.columns[order], rows.told
    # Where each row's answer stands among the answers, for the rows that have one.
    nth = (np.cumsum(rows.decided) - 1)[order][decided]
    arrays: list[Any] = [
        pa.array(columns.kind),
        pa.array([rows.items[i].own_id for i in places], pa.string()),
        pa.array(columns.offset),
        pa.array(columns.event_ms),
        pa.array(columns.ingest_ms),
        _hashes(rows.input_hashes[order]),
        pa.array(rows.epoch[order]),
        pa.FixedSizeListArray.from_arrays(pa.array(rows.versions[order].ravel()), entities),
        _lists([rows.repeats[i] for i in places]),
        _vectors(rows.matrix[order], decided, features),
        pa.array(rows.release_seq[order]),
        _lanes(told.raw[:, nth], decided),
        _lanes(told.score[:, nth], decided),
        _answers(told.actions[nth], decided),
        pa.array(rows.quality[order]),
        pa.array(columns.amount_base_minor),
        pa.array(columns.mark_ms),
        _cores(told.core_hashes[nth], decided),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(features, entities))


def _hashes(hashes: NDArray[np.uint8]) -> pa.Array:
    """(n, 16) bytes as they lie in memory."""
    buffer = pa.py_buffer(np.ascontiguousarray(hashes))
    return pa.Array.from_buffers(pa.binary(16), len(hashes), [None, buffer])


def _cores(hashes: NDArray[np.uint8], decided: NDArray[np.bool_]) -> pa.Array:
    if len(hashes) == len(decided):
        return _hashes(hashes)
    found = iter(hashes)
    return pa.array([next(found).tobytes() if is_told else None for is_told in decided], pa.binary(16))


def _answers(codes: NDArray[np.uint8], decided: NDArray[np.bool_]) -> pa.Array:
    spread = np.zeros(len(decided), np.uint8)
    spread[decided] = codes
    return pa.array(spread, mask=~decided)


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
    """One list per row: of ``values`` (lanes, k) a value per lane for each of the k decided, else empty."""
    lengths = np.where(decided, len(values), 0).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(values.T).ravel()))
