"""Capture messages to rows: many rows each, laid flat, with the place of their message and their input."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.contracts import capture, headers
from shared.contracts.topics import topic_name

from .coordinates import event_days, key_hashes, load_id, table_of
from .shapes import Message, Shape

REFUSED: Final = "field_type"
"""Reason code of a capture whose bytes do not fit its shape header."""

_INPUT_TOPICS: Final = {
    capture.KIND_TRANSACTION: "transactions",
    capture.KIND_LABEL: "labels",
    capture.KIND_ACTIVITY: "activities",
}


def capture_rows(shape: Shape, portfolio: str, messages: Sequence[Message]) -> pa.Table:
    """The rows of all ``messages``, in order. A message that is no capture is one refused row."""
    parts: list[pa.Table] = []
    for (features, entities, names), read in groupby(map(_read, messages), key=lambda r: r.group):
        run = list(read)
        if features < 0:
            parts += [_refused(shape, portfolio, r.message) for r in run]
        else:
            parts.append(_run_rows(shape, portfolio, run, (features, entities, names)))
    return pa.concat_tables(parts)


class _Read(NamedTuple):
    """A message and its batch; ``group`` is (d, e, schema hash), d is -1 where there is no batch."""

    message: Message
    batch: Any
    group: tuple[int, int, str]


def _read(message: Message) -> _Read:
    given = dict(message.headers)
    try:
        features, entities = _shape_of(given)
        batch = capture.decode_capture(message.value or b"", features, entities)
    except ValueError:
        return _Read(message, None, (-1, -1, ""))
    name = given.get(headers.SCHEMA, b"").decode("ascii", "replace")
    return _Read(message, batch, (features, entities, name))


def _run_rows(shape: Shape, portfolio: str, run: Sequence[_Read], group: tuple[int, int, str]) -> pa.Table:
    """The rows of messages of one shape."""
    features, entities, name = group
    whole = pa.Table.from_batches([r.batch for r in run]).combine_chunks()
    counts = np.array([r.batch.num_rows for r in run])
    n = whole.num_rows
    own = _flat(shape, whole)
    placed: dict[str, pa.Array] = {
        "row": pa.array(np.concatenate([np.arange(count, dtype=np.int32) for count in counts])),
        "input_topic": _input_topics(portfolio, own["kind"]),
        "input_partition": _repeat([r.message.partition for r in run], counts, pa.int32()),
        "features": _repeat([features], [n], pa.int32()),
        "entities": _repeat([entities], [n], pa.int32()),
        "schema_hash": _repeat([name], [n], pa.string()),
        "key_hash": key_hashes(own["id"], n),
    }
    found = _coordinates(shape, portfolio, [r.message for r in run], own, counts)
    return table_of(shape.columns, {**found, **placed, **own}, n)


def _shape_of(given: dict[str, bytes]) -> tuple[int, int]:
    """(d, e) of the header. Raises ValueError."""
    features, _, entities = given.get(headers.SHAPE, b"").decode("ascii", "replace").partition(",")
    return int(features), int(entities)


def _flat(shape: Shape, whole: pa.Table) -> dict[str, pa.Array]:
    """The capture's own columns in the lake's types."""
    columns = {shape.column_of(name): whole[name].combine_chunks() for name in whole.schema.names}
    return {name: column.cast(shape.columns.field(name).type) for name, column in columns.items()}


def _coordinates(
    shape: Shape,
    portfolio: str,
    messages: Sequence[Message],
    own: dict[str, pa.Array],
    counts: Sequence[int] | NDArray[np.int64],
) -> dict[str, pa.Array]:
    ingest = _repeat([m.timestamp for m in messages], counts, pa.int64())
    return {
        "portfolio": _repeat([portfolio], [len(ingest)], pa.string()),
        "event_day": event_days(own.get(shape.event_time), ingest),
        "topic": _repeat([m.topic for m in messages], counts, pa.string()),
        "partition": _repeat([m.partition for m in messages], counts, pa.int32()),
        "offset": _repeat([m.offset for m in messages], counts, pa.int64()),
        "ingest_time_ms": ingest,
        "load_id": _repeat([load_id(m) for m in messages], counts, pa.string()),
    }


def _refused(shape: Shape, portfolio: str, message: Message) -> pa.Table:
    given = _coordinates(shape, portfolio, [message], {}, [1])
    reason = {
        "refused_reason": pa.array([REFUSED], pa.string()),
        "raw_bytes": pa.array([message.value], pa.binary()),
        "row": pa.array([0], pa.int32()),
        "key_hash": key_hashes(None, 1),
    }
    return table_of(shape.columns, {**given, **reason}, 1)


def _input_topics(portfolio: str, kinds: pa.Array) -> pa.Array:
    known = [topic_name(portfolio, _INPUT_TOPICS[kind]) for kind in sorted(_INPUT_TOPICS)]
    place = pc.index_in(kinds, pa.array(sorted(_INPUT_TOPICS), kinds.type))
    return pa.array(known).take(place)


def _repeat(
    values: Sequence[Any], counts: Sequence[int] | NDArray[np.int64], column: pa.DataType
) -> pa.Array:
    """Each of ``values`` as often as ``counts`` says."""
    return pa.array(values, column).take(pa.array(np.repeat(np.arange(len(values)), counts)))
