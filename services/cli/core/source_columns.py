"""A file's table to our fields, column-wise, by the portfolio's mapping."""

from __future__ import annotations

from typing import Final

import polars as pl

from shared.features.fields import NUMBER_PREFIX
from shared.features.mapping import TEXT_PREFIX, ColumnMap, Source

INTEGER_FIELDS: Final = frozenset({"amount_minor"})
FLOAT_FIELDS: Final = frozenset({"latitude", "longitude"})
TIME_FIELDS: Final = frozenset({"event_time_ms"})
MINUTE_MS: Final = 60_000


def needed_columns(source: Source, with_labels: bool) -> list[str]:
    """Columns of the file that the mapping reads."""
    names = [mapping.column for mapping in source.fields.values() if mapping.column]
    label = source.label
    if with_labels and label is not None:
        names += [label.column, label.known_at, label.reversed_at, label.fraud_type]
    return list(dict.fromkeys(name for name in names if name))


def own_columns(source: Source, with_labels: bool) -> list[str]:
    """Columns that the file of payments must have itself: lookups need their key and add the others."""
    added = {column for lookup in source.lookups for column in lookup.columns}
    names = [name for name in needed_columns(source, with_labels) if name not in added]
    return list(dict.fromkeys([*names, *(lookup.key for lookup in source.lookups)]))


def field_expression(
    field: str, mapping: ColumnMap, dtype: pl.DataType | None, offset_minutes: int
) -> pl.Expr:
    """The expression of our ``field``; null where the column's value has no such meaning."""
    if mapping.constant is not None:
        return pl.lit(mapping.constant, dtype=pl.String if is_text(field) else None)
    column = pl.col(mapping.column)
    assert dtype is not None
    if field in TIME_FIELDS:
        return instant(column, dtype, offset_minutes)
    if field in INTEGER_FIELDS:
        return _integer(column, dtype, mapping.scale)
    if field in FLOAT_FIELDS or field.startswith(NUMBER_PREFIX):
        return column.cast(pl.Float64, strict=False) * mapping.scale
    text = column.cast(pl.String)
    return pl.concat_str([pl.lit(mapping.prefix), text]) if mapping.prefix else text


def is_text(field: str) -> bool:
    """Whether a transaction's ``field`` is a text."""
    plain = field not in INTEGER_FIELDS | FLOAT_FIELDS | TIME_FIELDS
    return field.startswith(TEXT_PREFIX) or (plain and not field.startswith(NUMBER_PREFIX))


def instant(column: pl.Expr, dtype: pl.DataType, offset_minutes: int) -> pl.Expr:
    """UTC ms of instants given as timestamps, dates, integer ms, or either as text."""
    shift_ms = offset_minutes * MINUTE_MS
    if isinstance(dtype, pl.Datetime):
        whole = column.dt.epoch("ms")
        return whole if dtype.time_zone else whole - shift_ms
    if dtype == pl.Date:
        return column.cast(pl.Datetime("ms")).dt.epoch("ms") - shift_ms
    if dtype == pl.String:
        number = column.cast(pl.Int64, strict=False)
        zoned = column.str.to_datetime("%+", time_unit="ms", time_zone="UTC", strict=False).dt.epoch("ms")
        naive = [
            column.str.to_datetime(form, time_unit="ms", strict=False).dt.epoch("ms") - shift_ms
            for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d")
        ]
        return pl.coalesce(number, zoned, *naive)
    return column.cast(pl.Int64, strict=False)


def _integer(column: pl.Expr, dtype: pl.DataType, scale: float) -> pl.Expr:
    if scale == 1.0 and dtype.is_integer():
        return column.cast(pl.Int64, strict=False)
    product = column.cast(pl.Float64, strict=False) * scale
    return product.round(0, mode="half_to_even").cast(pl.Int64, strict=False)
