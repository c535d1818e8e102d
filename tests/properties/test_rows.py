"""The rows of many payments are those that each payment gives alone, byte for byte."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.payments import Transaction
from shared.contracts.texts import together
from shared.features import rows
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import parse_portfolio

KEY = b"a key of the stack"
FOLDER = Path(__file__).parents[2] / "infra" / "portfolios"
PORTFOLIOS = ["bank", "handbook15", "shop"]
SHOP = """
name = "shop"
currency = "EUR"
categories = ["food", "fuel"]
entities = [{ name = "payer", key = "account_id" }]
columns = [
  { name = "device", field = "device_id" },
  { name = "browser", field = "texts.browser" },
  { name = "land", field = "country" },
]
features = [{ name = "amount", kind = "value", field = "amount" }]
"""
CATEGORIES = [None, "", "food", "fuel", "grocery", "digital", "yachts"]
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)
INT64 = st.integers(-(2**63), 2**63 - 1)

Accepted = tuple[Transaction, int, int, int]
"""A payment, its amount in base minor units, its accepted time, its body check."""


@cache
def feature_set(name: str) -> FeatureSet:
    path = FOLDER / f"{name}.toml"
    return compile_portfolio(parse_portfolio(path.read_text() if name != "shop" else SHOP, path.name))


@st.composite
def accepted(draw: st.DrawFn) -> Accepted:
    tx = Transaction(
        v=1,
        tx_id=draw(TEXT),
        account_id=draw(TEXT),
        event_time_ms=10**12,
        amount_minor=5,
        currency="EUR",
        merchant_id=draw(st.none() | TEXT),
        device_id=draw(st.none() | TEXT),
        category=draw(st.sampled_from(CATEGORIES)),
        country=draw(st.sampled_from([None, "", "FR"])),
        texts=draw(st.sampled_from([None, {}, {"browser": "b"}, {"browser": ""}, {"other": "b"}])),
    )
    return tx, draw(INT64), draw(INT64), draw(st.integers(0, 2**32 - 1))


def check(name: str, payments: list[Accepted]) -> None:
    many, alone = (rows.RowEncoder(feature_set(name), KEY) for _ in range(2))
    found = many.transactions(
        [tx for tx, _, _, _ in payments],
        together([tx.tx_id.encode() for tx, _, _, _ in payments]),
        np.array([amount for _, amount, _, _ in payments], np.int64),
        np.array([event_ms for _, _, event_ms, _ in payments], np.int64),
        np.array([body for _, _, _, body in payments], np.uint32),
    )
    assert found.shape == (len(payments),)
    expected = [alone.transaction(*payment) for payment in payments]
    assert [row.tobytes() for row in found] == expected


@pytest.mark.parametrize("name", PORTFOLIOS)
@settings(deadline=None)  # the first example compiles the kernel
@given(st.lists(accepted(), max_size=4))
def test_rows_of_many_payments_are_those_of_each(name: str, payments: list[Accepted]) -> None:
    check(name, payments)


@pytest.mark.parametrize("name", PORTFOLIOS)
@pytest.mark.parametrize("kept", [3, rows.TEXTS_KEPT])
def test_rows_of_a_large_batch_too(name: str, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TEXTS_KEPT", kept)
    payments: list[Accepted] = []
    for i in range(200):
        tx = Transaction(
            v=1,
            tx_id=f"é{i}" + "t" * (i % 61),
            account_id=f"a{i % 17}",
            event_time_ms=10**12,
            amount_minor=5,
            currency="EUR",
            merchant_id=f"m{i % 5}" if i % 3 else None,
            device_id=f"d{i}",
            category=CATEGORIES[i % len(CATEGORIES)],
            country="FR" if i % 2 else None,
            texts={"browser": f"b{i % 4}"} if i % 5 else None,
        )
        payments.append((tx, i - 100, 10**12 + i, 2**32 - 1 - i))
    check(name, payments)
