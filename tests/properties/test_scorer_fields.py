"""Texts found in canonical bytes are those that the records hold."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.scorer.core.fields import FieldFinder
from services.scorer.core.payments import words_of
from shared.contracts.codec import encode
from shared.contracts.payments import Transaction
from shared.contracts.texts import together
from tests.properties.contracts.record_strategies import records

FIELDS = ("tx_id", "account_id", "merchant_id", "caller", "gateway")
DEFAULTS = {"tx_id": "", "account_id": "", "merchant_id": "none", "caller": "unknown", "gateway": "direct"}

NESTED = Transaction(
    v=1,
    tx_id='a"\\b',
    account_id="é/日",
    event_time_ms=1_700_000_000_000,
    amount_minor=0,
    currency="EUR",
    category="{[,:]}",
    caller="}",
    numbers={"caller": -1.5e-7, "]": 0.0},
    texts={"gateway": "false one", "tx_id": '"}', "empty": ""},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records(Transaction), max_size=4))
@example([NESTED])
def test_every_text_is_found_as_json_writes_it(payments: list[Transaction]) -> None:
    found = FieldFinder(DEFAULTS).find(together([encode(tx) for tx in payments]))
    for name, column in zip(FIELDS, found, strict=True):
        values = [getattr(tx, name) for tx in payments]
        expected = [DEFAULTS[name] if value is None else value for value in values]
        assert column.tolist() == [encode(value)[1:-1] for value in expected]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records(Transaction), max_size=4))
@example([NESTED])
def test_ids_are_their_own_bytes(payments: list[Transaction]) -> None:
    words = words_of(payments, together([encode(tx) for tx in payments]))
    assert words.ids.tolist() == [tx.tx_id.encode() for tx in payments]
    assert words.accounts.tolist() == [tx.account_id.encode() for tx in payments]
    back = words[np.arange(len(payments))[::-1]]
    assert back.caller.tolist() == [encode(tx.caller)[1:-1] for tx in reversed(payments)]
