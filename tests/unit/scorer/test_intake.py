"""From a message to an item, a tick, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.intake import TICK_END_MS, Item, Tick, read
from shared.contracts import headers
from shared.contracts.ids import KIND_LABEL, KIND_TRANSACTION
from shared.contracts.outcome import Dead, Forward

from .records import HOUR, LIMITS, T0, label, message, payment


def accepted(taken: Any, mark_ms: int = 0, kind: int = KIND_TRANSACTION) -> Item:
    outcome = read(kind, taken, mark_ms, LIMITS)
    assert isinstance(outcome, Forward)
    assert isinstance(outcome.value, Item)
    return outcome.value


def test_a_payment_merges_by_its_event_time() -> None:
    found = accepted(message(payment()), mark_ms=T0 - 5)
    assert (found.merge_ms, found.event_ms, found.mark_ms, found.flags) == (T0, T0, T0 - 5, ())
    assert (found.amount_base_minor, found.load) == (1234, None)


def test_a_label_merges_when_it_was_known_and_keeps_its_payments_time() -> None:
    found = accepted(message(label()), kind=KIND_LABEL)
    assert (found.merge_ms, found.event_ms, found.rank) == (T0 + HOUR, T0, 0)


def test_an_amount_is_converted_by_the_releases_rate() -> None:
    assert accepted(message(payment(currency="USD"))).amount_base_minor == 1111
    assert read(KIND_TRANSACTION, message(payment(currency="GBP")), 0, LIMITS) == Dead("no_rate", "currency")


def test_a_time_ahead_of_mark_and_ingest_is_clamped_and_flagged() -> None:
    found = accepted(message(payment(event_ms=T0 + 2 * HOUR)))
    assert (found.event_ms, found.flags) == (T0 + HOUR, ("ahead",))
    pushed = accepted(message(payment(event_ms=T0 + 2 * HOUR)), mark_ms=T0 + HOUR)
    assert (pushed.event_ms, pushed.flags) == (T0 + 2 * HOUR, ())


def test_a_time_behind_the_horizon_is_late_but_not_in_a_load() -> None:
    old = payment(event_ms=T0 - 8 * 24 * HOUR)
    assert accepted(message(old), mark_ms=T0).flags == ("late",)
    loaded = accepted(message(old, headers=((headers.LOAD, b"l-1"),)), mark_ms=T0)
    assert (loaded.flags, loaded.load) == ((), "l-1")


@pytest.mark.parametrize(
    ("text", "reached_ms"), [(b"1700000000000", T0), (b"end", TICK_END_MS), (b"x", 0), (b"9" * 20, 0)]
)
def test_a_tick_is_an_empty_value_with_its_header(text: bytes, reached_ms: int) -> None:
    taken = message(None, headers=((headers.LOAD, b"l-1"), (headers.TICK, text)))
    assert read(KIND_TRANSACTION, taken, 0, LIMITS) == Forward(Tick("l-1", reached_ms))


def test_an_empty_value_without_a_tick_is_refused() -> None:
    assert read(KIND_TRANSACTION, message(None), 0, LIMITS) == Dead("not_json")


def test_a_bad_record_is_refused_with_code_and_field() -> None:
    assert read(KIND_TRANSACTION, message(b"{"), 0, LIMITS) == Dead("not_json")
    raw = message(payment()).value or b""
    bad = message(raw.replace(b"1234", b"-1"))
    assert read(KIND_TRANSACTION, bad, 0, LIMITS) == Dead("amount_negative", "amount_minor")
