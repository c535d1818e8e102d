"""A file's rows made column-wise are the codec's own bytes, or the codec's own refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from services.cli.core.source_rows import FILE, ROW, read_payments
from shared.contracts.codec import DecodeError, decode_transaction, encode
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
    table = pl.DataFrame(found, schema=SCHEMA).with_columns(
        pl.lit(0, pl.Int64).alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW)
    )
    expected = {number: _expected(row) for number, row in enumerate(found, 1)}
    good = read_payments(SOURCE, table)
    values = dict(zip(good.table[ROW].to_list(), good.table["value"].to_list(), strict=True))
    assert values == {number: value for number, value in expected.items() if isinstance(value, bytes)}
    refused = {row.row: row.code for row in good.refused}
    assert refused == {number: value[0] for number, value in expected.items() if isinstance(value, tuple)}
    for value in values.values():
        assert encode(decode_transaction(value)) == value
        assert isinstance(decode_transaction(value), Transaction)
