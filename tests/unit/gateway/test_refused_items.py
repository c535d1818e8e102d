"""An item that is refused is told by its own id, unless that id is what may not be shown."""

from __future__ import annotations

import json

import pytest

from services.gateway.core.bodies import own_id


@pytest.mark.parametrize("tx_id", ["order-2072", "bulk-1795765450000-x17", "p/ü 1"])
def test_its_id_is_shown(tx_id: str) -> None:
    assert own_id(json.dumps({"tx_id": tx_id, "amount_minor": -5}).encode(), "tx_id") == tx_id


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b"[" * 100_000,
        b"[]",
        b'{"other": "order-1"}',
        b'{"tx_id": 5}',
        b'{"tx_id": "line\\nfeed"}',
        b'{"tx_id": "p-4111 1111 1111 1111"}',
        b'{"tx_id": "\\u0034111111111111111"}',
        json.dumps({"tx_id": "x" * 1_000}).encode(),
    ],
)
def test_what_may_not_be_shown_is_left_out(raw: bytes) -> None:
    assert own_id(raw, "tx_id") == ""
