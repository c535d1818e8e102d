"""A file's rows made column-wise are the codec's own bytes, or the codec's own refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from services.cli.core.source_activities import activity_source
from services.cli.core.source_rows import ACTIVITY, FILE, PAYMENT, ROW, Rows, read_rows
from shared.contracts.codec import DecodeError, decode_activity, decode_transaction, encode
from shared.contracts.payments import Transaction
from shared.features.mapping import ColumnMap, Source

SOURCE = Source(
    fields={
        "currency": ColumnMap(column="cur"),
        "tx_id": ColumnMap(column="id", prefix="tx-"),
        "account_id": ColumnMap(column="acc"),
        "event_time_ms": ColumnMap(column="at"),
        "amount_minor": ColumnMap(column="amount"),
        "card_id": ColumnMap(column="card"),
        "category": ColumnMap(column="cat"),
        "caller": ColumnMap(constant="batch"),
        "latitude": ColumnMap(column="lat"),
        "numbers.speed": ColumnMap(column="speed"),
        "numbers.age": ColumnMap(column="age"),
        "texts.note": ColumnMap(column="note"),
    }
)
SCHEMA = {
    "cur": pl.String,
    "id": pl.String,
    "acc": pl.String,
    "at": pl.Int64,
    "amount": pl.Int64,
    "card": pl.String,
    "cat": pl.String,
    "lat": pl.Float64,
    "speed": pl.Float64,
    "age": pl.Float64,
    "note": pl.String,
}

texts = st.one_of(
    st.text(st.sampled_from("abc-_ 09"), min_size=1, max_size=8),
    st.text(max_size=8).filter(lambda text: text.isprintable() or text.isascii()),
    st.sampled_from(['q"uote', "back\\slash", "tab\t", "é", "", "x" * 65, "\x7f", "日本"]),
)
floats = st.one_of(
    st.none(), st.floats(-1e16, 1e16), st.sampled_from([1e-7, 1e15, 0.1, -0.0, 90.0, float("nan")])
)
rows = st.fixed_dictionaries(
    {
        "cur": st.sampled_from(["EUR", "JPY", "XXX", None]),
        "id": texts,
        "acc": st.one_of(st.none(), texts),
        "at": st.one_of(st.none(), st.integers(0, 2**43), st.integers(1_500_000_000_000, 1_600_000_000_000)),
        "amount": st.one_of(st.none(), st.integers(-5, 10**13), st.integers(0, 100)),
        "card": st.one_of(st.none(), texts),
        "cat": st.one_of(st.none(), texts),
        "lat": floats,
        "speed": floats,
        "age": floats,
        "note": st.one_of(st.none(), texts),
    }
)


def _expected(row: dict[str, Any]) -> bytes | tuple[str, str]:
    """By the contract alone, one row at a time."""
    record: dict[str, Any] = {"v": 1, "caller": "batch", "tx_id": f"tx-{row['id']}"}
    names = {"acc": "account_id", "at": "event_time_ms", "amount": "amount_minor", "card": "card_id"}
    names |= {"cat": "category", "lat": "latitude", "cur": "currency"}
    record |= {name: row[column] for column, name in names.items() if row[column] is not None}
    numbers = {name: row[name] for name in ("speed", "age") if row[name] is not None}
    for value in [record.get("latitude"), *numbers.values()]:
        if value is not None and value != value:
            return ("field_range", "")
    record |= {"numbers": numbers} if numbers else {}
    record |= {"texts": {"note": row["note"]}} if row["note"] is not None else {}
    try:
        return encode(decode_transaction(msgspec.json.encode(record)))
    except DecodeError as error:
        return (error.code, error.field)


@given(st.lists(rows, min_size=1, max_size=8))
def test_bytes_equal_the_codecs(found: list[dict[str, Any]]) -> None:
    good = read_rows(PAYMENT, SOURCE, _numbered(pl.DataFrame(found, schema=SCHEMA)))
    values = _agree(good, {number: _expected(row) for number, row in enumerate(found, 1)})
    for value in values:
        assert encode(decode_transaction(value)) == value
        assert isinstance(decode_transaction(value), Transaction)


def _numbered(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.lit(0, pl.Int64).alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW))


def _agree(good: Rows, expected: dict[int, bytes | tuple[str, str]]) -> list[bytes]:
    """Good rows and refusals are those expected by row number; the good ones' bytes."""
    values = dict(zip(good.table[ROW].to_list(), good.table["value"].to_list(), strict=True))
    assert values == {number: value for number, value in expected.items() if isinstance(value, bytes)}
    assert list(values) == sorted(values)
    refused = {row.row: row.code for row in good.refused}
    assert refused == {number: value[0] for number, value in expected.items() if isinstance(value, tuple)}
    return list(values.values())


INSTANT = pl.Datetime("ms", "UTC")
ACTIVITIES: dict[str, Any] = {
    "activity_id": pl.String,
    "account_id": pl.String,
    "event_time": INSTANT,
    "kind": pl.String,
    "amount_minor": pl.Int64,
    "device_id": pl.String,
    "outcome": pl.String,
    "texts.browser": pl.String,
}
activities = st.fixed_dictionaries(
    {
        **{name: st.one_of(st.none(), texts) for name, kind in ACTIVITIES.items() if kind == pl.String},
        "event_time": st.one_of(st.none(), st.integers(0, 2**43), st.just(1_600_000_000_000)),
        "amount_minor": st.one_of(st.none(), st.integers(-5, 10**13)),
    }
)


def _expected_activity(row: dict[str, Any]) -> bytes | tuple[str, str]:
    """By the contract alone; of several faults the first is told, in the order of the mapping's fields."""
    record: dict[str, Any] = {"v": 1}
    for field, mapped in activity_source(list(ACTIVITIES)).fields.items():
        value = row[mapped.column]
        if value is not None and field == "texts.browser":
            record["texts"] = {"browser": value}
        elif value is not None:
            record[field] = value
    try:
        return encode(decode_activity(msgspec.json.encode(record)))
    except DecodeError as error:
        return (error.code, error.field)


@given(st.lists(activities, min_size=1, max_size=8))
def test_bytes_of_activities_equal_the_codecs(found: list[dict[str, Any]]) -> None:
    table = pl.DataFrame(found, schema={**ACTIVITIES, "event_time": pl.Int64})
    table = table.with_columns(pl.col("event_time").cast(INSTANT))
    good = read_rows(ACTIVITY, activity_source(list(ACTIVITIES)), _numbered(table))
    _agree(good, {number: _expected_activity(row) for number, row in enumerate(found, 1)})
