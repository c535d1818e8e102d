"""A file's rows to records: canonical bytes of the good ones, a named refusal for each bad one."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from shared.contracts.bounds import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS, NUMBER_LIMIT
from shared.contracts.codec import Codec, DecodeError, encode
from shared.contracts.money import AMOUNT_LIMIT_MINOR, MINOR_DIGITS
from shared.contracts.payments import ENTITY_FIELDS, Activity, Transaction
from shared.features.fields import NUMBER_PREFIX
from shared.features.mapping import TEXT_PREFIX, Source

from .canonical_json import (
    PLAIN_ID,
    PLAIN_SHORT,
    PLAIN_TEXT,
    JsonColumn,
    encode_rows,
    number_texts,
    object_texts,
)
from .source_columns import FLOAT_FIELDS, field_expression, is_text

FILE: Final = "__file"
ROW: Final = "__row"
"""Columns that every table of a source carries: the file's number and the row's, from 1."""

_AT: Final = "__at"
_IDS: Final = frozenset({"tx_id", "activity_id", *ENTITY_FIELDS})
_LIMITS: Final = {
    "event_time_ms": (EVENT_TIME_MIN_MS, EVENT_TIME_MAX_MS),
    "amount_minor": (0, AMOUNT_LIMIT_MINOR),
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
}


class Shape(NamedTuple):
    """What rows are read as: the record's codec, its fields in order, and those that no record lacks."""

    codec: Codec[Any]
    fields: tuple[str, ...]
    required: tuple[str, ...]


PAYMENT: Final = Shape(
    Codec(Transaction),
    Transaction.__struct_fields__,
    ("tx_id", "account_id", "event_time_ms", "amount_minor", "currency"),
)
ACTIVITY: Final = Shape(
    Codec(Activity), Activity.__struct_fields__, ("activity_id", "account_id", "event_time_ms", "kind")
)


class Refused(NamedTuple):
    """A row that is no record: file number, row number from 1, reason code, field."""

    file: int
    row: int
    code: str
    field: str


class Rows(NamedTuple):
    """Good rows as a table, in the order of the source, with a column ``value`` of canonical bytes.

    The table's other columns are our fields by name and the columns of the file that labels need.
    """

    table: pl.DataFrame
    refused: list[Refused]


def read_rows(shape: Shape, source: Source, batch: pl.DataFrame) -> Rows:
    """The records of ``batch``, whose columns are the file's, `FILE` and `ROW`."""
    table = batch.with_columns(
        field_expression(f, m, batch.schema.get(m.column), source.time_offset_minutes).alias(our(f))
        for f, m in source.fields.items()
    )
    fields = list(source.fields)
    table = table.with_columns(
        _unread(source).alias("__unread"),
        _plain(shape, source).alias("__plain"),
        pl.int_range(pl.len()).alias(_AT),
    )
    good = table.filter(pl.col("__plain") & (pl.col("__unread") == ""))
    good = good.with_columns(_encode(shape, good, fields).alias("value"))
    rest = table.filter(~(pl.col("__plain") & (pl.col("__unread") == "")))
    if not rest.height:
        return Rows(good, [])
    slow, refused = _one_by_one(shape, rest, fields)
    return Rows(pl.concat([good, slow]).sort(_AT) if slow.height else good, refused)


def our(field: str) -> str:
    """The column of our ``field`` in a table that was read."""
    return f"our.{field}"


def sendable(table: pl.DataFrame) -> pl.DataFrame:
    """Good rows as they are sent; a batch in event order may hold equal times in any order."""
    return table.select(
        pl.col(our("event_time_ms")).alias("time_ms"),
        pl.col(our("account_id")).cast(pl.Binary).alias("key"),
        pl.col("value"),
    )


def _unread(source: Source) -> pl.Expr:
    """The first field whose column holds something that could not be read as that field, else ""."""
    cases = [
        pl.when(pl.col(m.column).is_not_null() & pl.col(our(f)).is_null()).then(pl.lit(f))
        for f, m in source.fields.items()
        if m.column
    ]
    return pl.coalesce(*cases, pl.lit(""))


def _plain(shape: Shape, source: Source) -> pl.Expr:
    """Whether the row is valid beyond doubt and writes itself without escapes."""
    tests = [_plain_field(field) for field in source.fields]
    present = [
        pl.col(our(f)).is_not_null() if f in source.fields else pl.lit(value=False) for f in shape.required
    ]
    return pl.all_horizontal(*present, *tests).fill_null(value=False)


def _plain_field(field: str) -> pl.Expr:
    column = pl.col(our(field))
    if field == "currency":
        return column.is_in(list(MINOR_DIGITS))
    if is_text(field):
        pattern = PLAIN_ID if field in _IDS else PLAIN_TEXT if field.startswith(TEXT_PREFIX) else PLAIN_SHORT
        return column.str.contains(pattern).fill_null(value=True)
    low, high = _LIMITS.get(field, (-NUMBER_LIMIT, NUMBER_LIMIT))
    return column.is_between(low, high).fill_null(value=True)


def _encode(shape: Shape, table: pl.DataFrame, fields: Sequence[str]) -> pl.Series:
    """Canonical bytes of rows that are plain."""
    table = table.with_columns(
        number_texts(table[our(f)]).alias(our(f))
        for f in fields
        if f in FLOAT_FIELDS or f.startswith(NUMBER_PREFIX)
    )
    columns = [JsonColumn(f, our(f), is_text(f)) for f in shape.fields if f in fields]
    for name, prefix, quoted in (("numbers", NUMBER_PREFIX, False), ("texts", TEXT_PREFIX, True)):
        members = {f.removeprefix(prefix): our(f) for f in fields if f.startswith(prefix)}
        if members:
            table = table.with_columns(object_texts(table, members, quoted).alias(name))
            columns.append(JsonColumn(name, name, quoted=False))
    return encode_rows(table, columns)


def _one_by_one(
    shape: Shape, table: pl.DataFrame, fields: Sequence[str]
) -> tuple[pl.DataFrame, list[Refused]]:
    """Rows that need the codec's own eyes."""
    values: list[bytes | None] = []
    refused: list[Refused] = []
    for row in table.iter_rows(named=True):
        try:
            if row["__unread"]:
                raise DecodeError("field_type", row["__unread"])
            values.append(encode(shape.codec.decode(_foreign(row, fields))))
        except DecodeError as error:
            values.append(None)
            refused.append(Refused(row[FILE], row[ROW], error.code, error.field))
    found = table.with_columns(pl.Series("value", values, pl.Binary))
    return found.filter(pl.col("value").is_not_null()), refused


def _foreign(row: dict[str, Any], fields: Sequence[str]) -> bytes:
    """The row as JSON that nobody has checked."""
    record: dict[str, Any] = {"v": 1}
    for field in fields:
        value = row[our(field)]
        if value is None:
            continue
        if isinstance(value, float) and not isfinite(value):
            raise DecodeError("field_range", field)  # JSON would write null, which is no such number
        if field.startswith(NUMBER_PREFIX):
            record.setdefault("numbers", {})[field.removeprefix(NUMBER_PREFIX)] = value
        elif field.startswith(TEXT_PREFIX):
            record.setdefault("texts", {})[field.removeprefix(TEXT_PREFIX)] = value
        else:
            record[field] = value
    return msgspec.json.encode(record)
