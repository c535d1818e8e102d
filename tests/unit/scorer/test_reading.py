"""From a message to an item, a tick, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.intake import TICK_END_MS, Item, Read, Tick
from services.scorer.core.reading import read_each
from shared.contracts import headers
from shared.contracts.ids import KIND_LABEL, KIND_TRANSACTION
from shared.contracts.outcome import Dead

from .records import HOUR, LIMITS, T0, label, message, payment


def read(taken: Any, mark_ms: int = 0, kind: int = KIND_TRANSACTION) -> Read:
    (found,) = read_each(kind, [taken], mark_ms, LIMITS).values
    return found


def accepted(taken: Any, mark_ms: int = 0, kind: int = KIND_TRANSACTION) -> Item:
    found = read(taken, mark_ms, kind)
    assert isinstance(found, Item)
    return found


def test_a_payment_merges_by_its_event_time() -> None:
    found = accepted(message(payment()), mark_ms=T0 - 5)
    assert (found.merge_ms, found.event_ms, found.mark_ms, found.flags) == (T0, T0, T0 - 5, ())
    assert (found.amount_base_minor, found.load) == (1234, None)


def test_a_label_merges_when_it_was_known_and_keeps_its_payments_time() -> None:
    found = accepted(message(label()), kind=KIND_LABEL)
    assert (found.merge_ms, found.event_ms, found.rank) == (T0 + HOUR, T0, 0)


@pytest.mark.parametrize(("known_hours", "turn_hours"), [(7 * 24, 6 * 24), (25, 1), (24, 0), (3, 0), (0, 0)])
def test_a_label_of_a_load_goes_a_day_ahead_and_never_before_its_payment(
    known_hours: int, turn_hours: int
) -> None:
    sent = label(known_ms=T0 + known_hours * HOUR)
    found = accepted(message(sent, headers=((headers.LOAD, b"l-1"),)), kind=KIND_LABEL)
    assert (found.merge_ms, found.event_ms, found.rank) == (T0 + turn_hours * HOUR, T0, 0)


def test_an_amount_of_another_currency_waits_for_the_release_that_decides() -> None:
    found = accepted(message(payment(currency="USD")))
    assert (found.amount_base_minor, found.is_foreign) == (1234, True)
    assert not accepted(message(payment())).is_foreign


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
    assert read(taken) == Tick("l-1", reached_ms)


def test_an_empty_value_without_a_tick_is_refused() -> None:
    assert read(message(None)) == Dead("not_json")


def test_a_bad_record_is_refused_with_code_and_field() -> None:
    assert read(message(b"{")) == Dead("not_json")
    raw = message(payment()).value or b""
    bad = message(raw.replace(b"1234", b"-1"))
    assert read(bad) == Dead("amount_negative", "amount_minor")


def test_each_record_is_held_to_the_mark_that_those_before_it_left() -> None:
    steps = [payment("tx-1", T0), payment("tx-2", T0 + HOUR), payment("tx-3", T0 + 3 * HOUR)]
    messages = [message(step) for step in steps]
    messages[1:1] = [message(b"{"), message(None, headers=((headers.TICK, b"5"),))]
    first, refused, tick, second, third = read_each(KIND_TRANSACTION, messages, T0 - HOUR, LIMITS).values
    assert (refused, tick) == (Dead("not_json"), Tick("", 5))
    assert isinstance(first, Item)
    assert isinstance(second, Item)
    assert isinstance(third, Item)
    assert [item.mark_ms for item in (first, second, third)] == [T0 - HOUR, T0, T0 + HOUR]
    assert (third.event_ms, third.flags) == (T0 + 2 * HOUR, ("ahead",))
