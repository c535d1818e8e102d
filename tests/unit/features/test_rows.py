"""Rows of the timeline layout carry what the records say, at the places the layout names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.contracts import ids
from shared.contracts.payments import Activity, Label, Transaction
from shared.features import rows
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import parse_portfolio

KEY = b"a key of the stack"
T = 1_700_000_000_000
TEXT = """
name = "shop"
currency = "EUR"
activities = ["login", "login_failed"]
categories = ["food", "fuel"]
entities = [{ name = "payer", key = "account_id" }, { name = "shop", key = "merchant_id" }]
columns = [{ name = "device", field = "device_id" }, { name = "browser", field = "texts.browser" }]
features = [{ name = "amount", kind = "value", field = "amount" }]
"""


@pytest.fixture
def feature_set() -> FeatureSet:
    return compile_portfolio(parse_portfolio(TEXT, "shop.toml"))


def decode(feature_set: FeatureSet, row: bytes) -> dict[str, Any]:
    array = np.frombuffer(row, feature_set.layout.dtype)
    assert array.shape == (1,)
    return {name: array[name][0].item() for name in array.dtype.names or ()}


def payment(**fields: Any) -> Transaction:
    base = {
        "v": 1,
        "tx_id": "tx-1",
        "account_id": "a",
        "event_time_ms": T,
        "amount_minor": 5,
        "currency": "EUR",
    }
    return Transaction(**{**base, **fields})


def test_a_payment(feature_set: FeatureSet) -> None:
    tx = payment(category="fuel", device_id="d-1", texts={"browser": "b"})
    found = decode(feature_set, rows.RowEncoder(feature_set, KEY).transaction(tx, 123, T + 1, 2**32 - 1))
    assert found == {
        "t": T + 1,
        "a": 123,
        "id": ids.record_hash(KEY, ids.KIND_TRANSACTION, "tx-1"),
        "ref": 0,
        "kind": 1,
        "verdict": 0,
        "code": 2,
        "body": 2**32 - 1,
        "x0": ids.hash_text(KEY, "d-1"),
        "x1": ids.hash_text(KEY, "b"),
    }


def test_missing_texts_and_unknown_categories_are_zero(feature_set: FeatureSet) -> None:
    tx = payment(category="yachts", texts={"other": "b"})
    found = decode(feature_set, rows.RowEncoder(feature_set, KEY).transaction(tx, 5, T, 0))
    assert (found["code"], found["x0"], found["x1"]) == (0, 0, 0)


@pytest.mark.parametrize(("verdict", "code"), [("fraud", 1), ("genuine", 2), ("reversed", 3)])
def test_a_label(feature_set: FeatureSet, verdict: Any, code: int) -> None:
    label = Label(
        v=1,
        label_id="l-1",
        tx_id="tx-1",
        account_id="a",
        event_time_ms=T,
        known_at_ms=T + 9,
        verdict=verdict,
        source="s",
    )
    found = decode(feature_set, rows.RowEncoder(feature_set, KEY).label(label, 7))
    assert (found["t"], found["a"], found["kind"], found["verdict"]) == (T, T + 9, 2, code)
    assert found["id"] == ids.record_hash(KEY, ids.KIND_LABEL, "l-1")
    assert found["ref"] == ids.record_hash(KEY, ids.KIND_TRANSACTION, "tx-1")


@pytest.mark.parametrize(("kind", "code"), [("login", 3), ("login_failed", 4), ("nothing", 255)])
def test_an_activity(feature_set: FeatureSet, kind: str, code: int) -> None:
    activity = Activity(v=1, activity_id="e-1", account_id="a", event_time_ms=T, kind=kind, device_id="d-1")
    found = decode(feature_set, rows.RowEncoder(feature_set, KEY).activity(activity, 7))
    assert (found["t"], found["a"], found["kind"], found["ref"]) == (T, 0, code, 0)
    assert found["id"] == ids.record_hash(KEY, ids.KIND_ACTIVITY, "e-1")
    assert found["x0"] == ids.hash_text(KEY, "d-1")


def test_entity_ids_in_portfolio_order(feature_set: FeatureSet) -> None:
    encoder = rows.RowEncoder(feature_set, KEY)
    assert encoder.entity_ids(payment(merchant_id="m")) == ("a", "m")
    assert encoder.entity_ids(payment()) == ("a", None)


def test_entity_ids_of_one_entity() -> None:
    text = TEXT.replace(', { name = "shop", key = "merchant_id" }', "")
    encoder = rows.RowEncoder(compile_portfolio(parse_portfolio(text, "")), KEY)
    assert encoder.entity_ids(payment()) == ("a",)


def test_the_memory_of_texts_is_bounded(feature_set: FeatureSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TEXTS_KEPT", 2)
    encoder = rows.RowEncoder(feature_set, KEY)
    for device in ("d-1", "d-2", "d-3", "d-1"):
        found = decode(feature_set, encoder.transaction(payment(device_id=device), 5, T, 0))
        assert found["x0"] == ids.hash_text(KEY, device)
