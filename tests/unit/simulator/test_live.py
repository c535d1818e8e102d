"""The live world: its rate, its order, its labels, its records."""

from __future__ import annotations

import numpy as np
import pytest

from services.simulator.core.fraud import compromised_terminals
from services.simulator.core.live import LiveWorld, Numbered, hourly_chances
from services.simulator.core.payments import Payments, join
from services.simulator.core.records import Records
from services.simulator.core.world import DAY_MS, HOUR_MS, World
from shared.contracts.codec import decode_label, decode_transaction, encode

START = 20_000 * DAY_MS + 14 * HOUR_MS


def play(live: LiveWorld, steps: int, step_ms: int) -> list[Numbered]:
    return [live.step(START + (i + 1) * step_ms)[0] for i in range(steps)]


def test_equal_starts_give_equal_traffic(world: World) -> None:
    a, b = (play(LiveWorld(world, START, 50.0, 600.0), 20, 1000) for _ in range(2))
    for one, other in zip(a, b, strict=True):
        assert np.array_equal(one.number, other.number)
        assert all(np.array_equal(x, y) for x, y in zip(one.payments, other.payments, strict=True))


def test_the_rate_and_the_share_of_fraud_are_as_wanted(world: World) -> None:
    live = LiveWorld(world, START, 20.0, 600.0)
    payments = join([step.payments for step in play(live, 240, 60_000)])
    per_s = len(payments.time_ms) / (240 * 60)
    assert 19 < per_s < 21
    assert 0.003 < (payments.pattern != 0).mean() < 0.02


def test_payments_come_in_order_and_within_their_step(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    count = 0
    for i, step in enumerate(play(live, 30, 500)):
        times = step.payments.time_ms
        assert (np.diff(times) >= 0).all()
        assert not len(times) or times[-1] < START + (i + 1) * 500
        assert step.number.tolist() == list(range(count, count + len(times)))
        count += len(times)


def test_a_clock_that_goes_back_gives_nothing(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    live.step(START + 1000)
    again, _ = live.step(START)
    assert len(again.number) == 0


def test_skipped_time_has_no_payments(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    live.skip(START + HOUR_MS)
    step, _ = live.step(START + HOUR_MS + 1000)
    assert step.payments.time_ms.min() >= START + HOUR_MS
    assert len(step.number) < 400


def test_labels_are_said_when_they_are_known(world: World) -> None:
    live = LiveWorld(world, START, 100.0, 5_000.0)
    seen: set[int] = set()
    said = []
    for i in range(180):
        step, labels = live.step(START + (i + 1) * 1000)
        seen |= set(step.number.tolist())
        for label in labels:
            assert label.number in seen
            assert START + i * 1000 - 1000 < label.known_ms <= START + (i + 1) * 1000
            assert label.payment.time_ms[0] < label.known_ms
        said += labels
    assert {label.verdict for label in said} >= {"fraud", "genuine"}
    assert live.waiting_labels > 0


def test_busy_hours_belong_to_those_who_are_busy_then(world: World) -> None:
    share = np.diff(np.concatenate([[0.0], hourly_chances(world, 3)]))
    night = np.abs((world.peak_h - 3) % 24) < 4
    assert share.sum() == pytest.approx(1)
    assert share[night].sum() / world.activity[night].sum() > 3 * (
        share[~night].sum() / world.activity[~night].sum()
    )


def test_terminals_compromised_in_the_past_stay_so(world: World) -> None:
    live = LiveWorld(world, START, 300.0, 600.0)
    payments = join([step.payments for step in play(live, 60, 10_000)])
    bad = set(payments.terminal[payments.pattern == 2].tolist())
    assert bad <= set(compromised_terminals(world, 20_000).tolist())


def test_records_pass_the_codec(world: World) -> None:
    live = LiveWorld(world, START, 300.0, 20_000.0)
    records = Records(world, START, "EUR")
    ids: set[str] = set()
    labels = 0
    for i in range(60):
        step, due = live.step(START + (i + 1) * 1000)
        for tx in records.transactions(step):
            assert decode_transaction(encode(tx)) == tx
            ids.add(tx.tx_id)
        for label in map(records.label, due):
            assert decode_label(encode(label)) == label
            assert label.tx_id in ids
            labels += 1
    assert len(ids) > 15_000
    assert labels > 10


def test_columns_can_be_cut() -> None:
    columns = Payments(*(np.arange(4) for _ in range(5)))
    assert columns.between(1, 3).time_ms.tolist() == [1, 2]
