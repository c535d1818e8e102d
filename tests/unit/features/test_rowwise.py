"""Values and calendar of the payment itself."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.payments import Transaction
from shared.features.compiled import compile_portfolio
from shared.features.portfolio import parse_portfolio
from shared.features.rowwise import Rowwise

TEXT = """
name = "shop"
currency = "EUR"
{extra}
categories = ["food", "fuel"]
entities = [{{ name = "payer", key = "account_id" }}]
features = [
  {{ name = "amount", kind = "value", field = "amount" }},
  {{ name = "minor", kind = "value", field = "amount_minor" }},
  {{ name = "km", kind = "value", field = "numbers.km" }},
  {{ name = "latitude", kind = "value", field = "latitude" }},
  {{ name = "category", kind = "value", field = "category" }},
  {{ name = "hour", kind = "hour" }},
  {{ name = "weekday", kind = "weekday" }},
  {{ name = "weekend", kind = "weekend" }},
  {{ name = "night", kind = "night" }},
  {{ name = "count", kind = "count", entity = "payer", window = "1d" }},
]
"""
ROME = """
time_zone = "Europe/Rome"
time_offsets = [
  { since = 2025-10-26T01:00:00Z, minutes = 60 },
  { since = 2026-03-29T01:00:00Z, minutes = 120 },
]
""".replace("{", "{{").replace("}", "}}")


def fill(
    times_ms: list[int], amounts: list[int], records: list[Transaction | None], extra: str = ""
) -> np.ndarray:
    text = TEXT.replace("{extra}", extra).format()
    matrix = np.full((len(times_ms), 10), -7.0)
    rowwise = Rowwise(compile_portfolio(parse_portfolio(text, "")))
    rowwise.fill(matrix, np.array(times_ms), np.array(amounts), records)
    return matrix


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def payment(**fields: object) -> Transaction:
    base = {"v": 1, "tx_id": "t", "account_id": "a", "event_time_ms": 1, "amount_minor": 5, "currency": "EUR"}
    return Transaction(**{**base, **fields})  # type: ignore[arg-type]  # fields by name, checked by the struct


def test_fields_of_the_payment() -> None:
    rich = payment(latitude=48.5, category="fuel", numbers={"km": 3.25})
    matrix = fill([0, 0, 0], [1999, 0, 5], [rich, payment(category="yachts", numbers={"m": 1.0}), None])
    assert matrix[0, :5].tolist() == [19.99, 1999.0, 3.25, 48.5, 2.0]
    assert matrix[1, :2].tolist() == [0.0, 0.0]
    assert np.isnan(matrix[1:, 2:5]).all()


def test_columns_of_timelines_are_left_alone() -> None:
    assert fill([0], [5], [payment()])[0, 9] == -7.0


def test_calendar_in_utc() -> None:
    times = ["2018-04-01 06:59:59", "2018-04-02 07:00:00", "2018-04-07 00:00:00", "1969-12-31 23:00:00"]
    matrix = fill([at(t) for t in times], [1] * 4, [payment()] * 4)
    assert matrix[:, 5].tolist() == [6, 7, 0, 23]
    assert matrix[:, 6].tolist() == [6, 0, 5, 2]
    assert matrix[:, 7].tolist() == [1, 0, 1, 0]
    assert matrix[:, 8].tolist() == [1, 0, 1, 0]


def test_calendar_with_a_fixed_offset_and_with_a_table() -> None:
    assert fill([at("2018-04-01 23:30:00")], [1], [None], 'time_zone = "+02:00"')[0, 5:7].tolist() == [1, 0]
    times = [at("2026-03-29 00:59:59"), at("2026-03-29 01:00:00"), at("2020-01-01 00:00:00")]
    assert fill(times, [1] * 3, [None] * 3, ROME)[:, 5].tolist() == [1, 3, 1]


@given(st.integers(0, 10**12))
def test_a_price_is_the_double_of_its_decimal_text(amount_minor: int) -> None:
    value = np.array([amount_minor]) / 100.0
    assert value[0] == float(Decimal(amount_minor) / 100)
