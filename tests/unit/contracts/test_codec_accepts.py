"""Records that are good although they look unusual."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.contracts.bounds import NESTING_LIMIT
from shared.contracts.codec import decode_transaction, encode

GOOD: dict[str, Any] = {
    "v": 1,
    "tx_id": "tx-1",
    "account_id": "acc-1",
    "event_time_ms": 1_532_476_800_000,
    "amount_minor": 1250,
    "currency": "EUR",
}


@pytest.mark.parametrize(
    "own_id",
    ["a", "x" * 64, "é", "ß" * 64, "😀", "שלום", "مرحبا", "日本", "a b", "a/b:c{d}", "\\", '"', "'; DROP"],
)
@pytest.mark.parametrize("escaped", [True, False])
def test_ids_may_hold_letters_of_any_script(own_id: str, escaped: bool) -> None:
    raw = json.dumps({**GOOD, "tx_id": own_id}, ensure_ascii=escaped).encode()

    assert decode_transaction(raw).tx_id == own_id


@pytest.mark.parametrize("amount", [0, 1, 10**12])
def test_amounts_from_zero_to_the_limit(amount: int) -> None:
    assert decode_transaction(json.dumps({**GOOD, "amount_minor": amount}).encode()).amount_minor == amount


@pytest.mark.parametrize("time_ms", [946_684_800_000, 4_102_444_800_000])
def test_times_at_both_bounds(time_ms: int) -> None:
    assert (
        decode_transaction(json.dumps({**GOOD, "event_time_ms": time_ms}).encode()).event_time_ms == time_ms
    )


@pytest.mark.parametrize(
    "unknown",
    [
        1,
        None,
        "text",
        [1, [2, [3]]],
        {"a": {"b": [{"c": 1}, {"c": 2}]}},
        int("9" * 4300),
        "[" * 1000,
        '"{' * 1000,
        ["x"] * 1000,
        [[]] * 1000,
    ],
    ids=lambda value: str(value)[:12],
)
def test_unknown_fields_are_accepted_and_left_out(unknown: Any) -> None:
    record = decode_transaction(json.dumps({**GOOD, "loyalty": unknown}).encode())

    assert json.loads(encode(record)) == GOOD


def test_an_unknown_number_may_be_longer_than_the_interpreter_reads() -> None:
    raw = json.dumps(GOOD).encode()[:-1] + b',"x":' + b"9" * 5000 + b"}"

    assert decode_transaction(raw).tx_id == "tx-1"


def test_unknown_fields_may_nest_up_to_the_limit() -> None:
    inner = NESTING_LIMIT - 1
    raw = json.dumps(GOOD).encode()[:-1] + b',"x":' + b"[" * inner + b"]" * inner + b"}"

    assert decode_transaction(raw).tx_id == "tx-1"


def test_members_in_any_order_with_any_space_are_the_same_record() -> None:
    shuffled = json.dumps(dict(reversed(GOOD.items())), indent=3).encode()

    assert decode_transaction(shuffled) == decode_transaction(json.dumps(GOOD).encode())
