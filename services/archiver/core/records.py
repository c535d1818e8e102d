"""Messages of one record each, to rows: checked by the codec, then read column-wise in one pass.

Our own scorer's records are read column-wise without the check.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json
from msgspec import NODEFAULT

from shared.contracts.codec import DecodeError, codec_of

from .coordinates import assemble
from .shapes import Message, Shape

_PARSE_BLOCK_MIN: Final = 1 << 20
_DECODE_TOGETHER: Final = 1_000
"""Records are checked so many at a time: a whole share of them would be a lot of memory at once."""


def record_rows(shape: Shape, portfolio: str, messages: Sequence[Message]) -> pa.Table:
    """One row per message, in order. Bytes that are no valid record keep their reason and their bytes."""
    if shape.trusted or _are_valid(shape, messages):
        own = _parse_columns(shape, messages)
        if own is not None:
            return assemble(shape, portfolio, messages, None, own)
    return _one_by_one(shape, portfolio, messages)


def _are_valid(shape: Shape, messages: Sequence[Message]) -> bool:
    assert shape.record is not None
    codec = codec_of(shape.record)
    for start in range(0, len(messages), _DECODE_TOGETHER):
        raws = [message.value or b"" for message in messages[start : start + _DECODE_TOGETHER]]
        found = codec.decode_each(raws)
        if not found.is_plain and any(isinstance(record, DecodeError) for record in found.records):
            return False
    return True


def _one_by_one(shape: Shape, portfolio: str, messages: Sequence[Message]) -> pa.Table:
    """The slow road, for batches with refused records or fields that are no plain columns."""
    assert shape.record is not None
    decode = codec_of(shape.record).decode
    records: list[Any] = []
    refused: list[str | None] = []
    for message in messages:
        try:
            records.append(decode(message.value or b""))
            refused.append(None)
        except DecodeError as error:
            records.append(None)
            refused.append(error.code)
    own = _columns(shape, records)
    return assemble(shape, portfolio, messages, refused if any(refused) else None, own)


def _columns(shape: Shape, records: Sequence[Any]) -> dict[str, pa.Array]:
    """The record's columns (n,); null for records that are None."""
    assert shape.record is not None
    fields = shape.record.__struct_fields__
    read: Callable[[Any], tuple[Any, ...]] = attrgetter(*fields)
    blank = (None,) * len(fields)
    by_field = zip(*[blank if r is None else read(r) for r in records], strict=True)
    return {
        shape.column_of(field): _array(values, shape.columns.field(shape.column_of(field)).type)
        for field, values in zip(fields, by_field, strict=True)
    }


def _array(values: Sequence[Any], column: pa.DataType) -> pa.Array:
    first = next((value for value in values if value is not None), None)
    if first is None:
        return pa.nulls(len(values), column)
    if column == pa.string() and not isinstance(first, str):
        values = [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return pa.array(values, column)


def _parse_columns(shape: Shape, messages: Sequence[Message]) -> dict[str, pa.Array] | None:
    """All columns by one pass over the joined lines; None if any line is not what our scorer writes."""
    assert shape.record is not None
    lines = [m.value or b"" for m in messages]
    joined = b"\n".join(lines)
    # Each message must be one line that starts an object, else rows would shift to other coordinates.
    if joined.count(b"\n") != len(lines) - 1 or not all(line[:1] == b"{" for line in lines):
        return None
    expected, required = _line_schema(shape, shape.record)
    # Bytes stand as base64 in JSON, which a column reader would take for the text itself.
    if pa.binary() in expected.types:
        return None
    try:
        found = pa_json.read_json(
            io.BytesIO(joined),
            read_options=pa_json.ReadOptions(
                use_threads=False, block_size=max(len(joined) + 1, _PARSE_BLOCK_MIN)
            ),
            parse_options=pa_json.ParseOptions(explicit_schema=expected, unexpected_field_behavior="error"),
        )
    except pa.ArrowInvalid:
        return None
    if found.num_rows != len(lines) or any(found[name].null_count for name in required):
        return None
    whole = {f: found[f].combine_chunks() for f in shape.record.__struct_fields__}
    filled = {f: pc.fill_null(whole[f], default) for f, default in _defaults(shape.record)}
    return {shape.column_of(f): column for f, column in {**whole, **filled}.items()}


def _defaults(record: type[msgspec.Struct]) -> list[tuple[str, Any]]:
    """Fields that a line may leave out and that then mean something else than nothing."""
    info = msgspec.inspect.type_info(record)
    assert isinstance(info, msgspec.inspect.StructType)
    return [(f.name, f.default) for f in info.fields if f.default is not NODEFAULT and f.default is not None]


def _line_schema(shape: Shape, record: type[msgspec.Struct]) -> tuple[pa.Schema, tuple[str, ...]]:
    """The columns of a line, and those that are never null in a valid record."""
    fields = [pa.field(f, shape.columns.field(shape.column_of(f)).type) for f in record.__struct_fields__]
    info = msgspec.inspect.type_info(record)
    assert isinstance(info, msgspec.inspect.StructType)
    required = tuple(f.name for f in info.fields if f.required and not _is_optional(f.type))
    return pa.schema(fields), required


def _is_optional(declared: msgspec.inspect.Type) -> bool:
    return isinstance(declared, msgspec.inspect.UnionType)
