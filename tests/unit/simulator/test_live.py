"""The live world: the history's mix at the rate that is set, its order, its labels, its records."""

from __future__ import annotations

import numpy as np
import pytest

from services.simulator.core.columns import (
    ACTIVITY_KINDS,
    PATTERNS,
    Activities,
    Payments,
    join_activities,
    join_payments,
)
from services.simulator.core.live import DRAWN_AT_ONCE_MS, LiveWorld, Step
from services.simulator.core.names import CHANNELS, channels, live_activity_id, live_tx_id
from services.simulator.core.pace import natural_rate_per_s
from services.simulator.core.patterns.compromised_terminal import compromised_terminals
from services.simulator.core.records import Records
from services.simulator.core.rhythm import hourly_share
from services.simulator.core.scenarios import Scenario, is_sent, refuse, written
from services.simulator.core.span import DAY_MS, HOUR_MS
from services.simulator.core.world import World
from shared.contracts.card_numbers import has_card_number
from shared.contracts.codec import (
    DecodeError,
    decode_activity,
    decode_label,
    decode_transaction,
    encode,
)
from shared.contracts.operations import ScenarioRequest
from shared.contracts.payments import Transaction

START = 20_000 * DAY_MS + 14 * HOUR_MS


def play(live: LiveWorld, steps: int, step_ms: int, start_ms: int = START) -> list[Step]:
    return [live.step(start_ms + (i + 1) * step_ms) for i in range(steps)]


def payments_of(steps: list[Step]) -> Payments:
    return join_payments([step.payments.payments for step in steps])


def activities_of(steps: list[Step]) -> Activities:
    return join_activities([step.activities.activities for step in steps])


def asked(kind: str, seconds: int = 600, **kwargs: object) -> Scenario:
    request = ScenarioRequest(
        v=1,
        request_id="r1",
        portfolio="bank",
        kind=kind,  # type: ignore[arg-type]  # a test's word
        seconds=seconds,
        at_ms=START,
        by="test",
        **kwargs,  # type: ignore[arg-type]  # of the request's fields
    )
    return Scenario(request, START + seconds * 1000)


def test_equal_starts_and_steps_give_equal_traffic(world: World) -> None:
    a, b = (play(LiveWorld(world, START, 50.0, 600.0), 80, 125) for _ in range(2))
    for of in (payments_of, activities_of):
        for one, other in zip(of(a), of(b), strict=True):
            assert len(one) > 50
            assert np.array_equal(one, other)


def test_a_day_of_live_traffic_is_mixed_like_a_day_of_the_past(
    world: World, payments: Payments, activities: Activities
) -> None:
    live = LiveWorld(world, START, 2.0, 600.0)
    steps = play(live, 24 * 30, 120_000)
    mine, acts = payments_of(steps), activities_of(steps)
    assert 1.85 < len(mine.time_ms) / 86_400 < 2.1
    mine_share = np.bincount(channels(world, mine), minlength=len(CHANNELS)) / len(mine.time_ms)
    past_share = np.bincount(channels(world, payments), minlength=len(CHANNELS)) / len(payments.time_ms)
    assert abs(mine_share - past_share).max() < 0.02
    kinds = [np.bincount(a.kind, minlength=len(ACTIVITY_KINDS)) for a in (acts, activities)]
    per_payment = kinds[0] / len(mine.time_ms), kinds[1] / len(payments.time_ms)
    assert np.allclose(*per_payment, rtol=0.3, atol=3e-4)
    for pattern in range(1, len(PATTERNS)):
        shares = [(p.pattern == pattern).mean() for p in (mine, payments)]
        assert 0.4 < shares[0] / shares[1] < 2.5, PATTERNS[pattern]
    for p in (25, 50, 75, 95):
        ratio = np.percentile(mine.amount_minor, p) / np.percentile(payments.amount_minor, p)
        assert 0.85 < ratio < 1.15


def test_the_natural_rate_is_that_of_the_past(world: World, payments: Payments) -> None:
    assert len(payments.time_ms) / (60 * 86_400) == pytest.approx(natural_rate_per_s(world), rel=0.04)


def test_without_a_rate_the_world_runs_at_speed(world: World) -> None:
    live = LiveWorld(world, START, 0.0, 600.0)
    assert live.pace == 600.0
    per_s = len(payments_of(play(live, 60, 10_000)).time_ms) / 600
    assert per_s == pytest.approx(600 * natural_rate_per_s(world), rel=0.1)


def test_the_shares_of_fraud_hold_from_the_first_minutes(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    payments = payments_of(play(live, 60, 5_000))
    assert 0.004 < (payments.pattern != 0).mean() < 0.012


def test_events_come_in_order_and_within_their_step(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    count = 0
    for i, step in enumerate(play(live, 30, 500)):
        for times in (step.payments.payments.time_ms, step.activities.activities.time_ms):
            assert (np.diff(times) >= 0).all()
            assert not len(times) or START + i * 500 <= times[0] <= times[-1] < START + (i + 1) * 500
        n = len(step.payments.payments.time_ms)
        assert step.payments.number.tolist() == list(range(count, count + n))
        count += n


def test_a_clock_that_goes_back_gives_nothing(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    live.step(START + 1000)
    assert len(live.step(START).payments.number) == 0


def test_skipped_time_has_no_traffic(world: World) -> None:
    live = LiveWorld(world, START, 200.0, 600.0)
    live.skip(START + HOUR_MS)
    step = live.step(START + HOUR_MS + 1000)
    assert step.payments.payments.time_ms.min() >= START + HOUR_MS
    assert step.activities.activities.time_ms.min() >= START + HOUR_MS
    assert len(step.payments.number) < 400


def test_labels_are_said_when_they_are_known(world: World) -> None:
    live = LiveWorld(world, START, 100.0, 5_000.0)
    seen: set[int] = set()
    said = []
    for i, step in enumerate(play(live, 180, 1_000)):
        seen |= set(step.payments.number.tolist())
        for label in step.labels:
            assert label.number in seen
            assert START + i * 1000 - 1000 < label.known_ms <= START + (i + 1) * 1000
            assert label.payment.time_ms[0] < label.known_ms
        said += step.labels
    assert {label.verdict for label in said} >= {"fraud", "genuine"}
    assert live.waiting_labels > 0


def test_busy_hours_belong_to_those_who_are_busy_then(world: World) -> None:
    share = hourly_share(world, 3)
    night = np.abs((world.peak_h - 3 + 12) % 24 - 12) < 4.5
    assert share[night].mean() > 3 * share[~night].mean()
    days = sum(hourly_share(world, hour) for hour in range(24))
    assert 0.95 < np.min(days) <= np.max(days) < 1.05


def test_terminals_compromised_in_the_past_stay_so(world: World) -> None:
    live = LiveWorld(world, START, 0.0, 1.0)
    live.step(START + 1)
    payments = payments_of(play(LiveWorld(world, START, 0.0, 60.0), 60, 10_000))
    usual = set().union(*(compromised_terminals(world, 20_000 + d).tolist() for d in (0, 1)))
    assert set(payments.terminal[payments.pattern == 2].tolist()) <= usual


def test_records_pass_the_codec(world: World) -> None:
    live = LiveWorld(world, START, 300.0, 20_000.0)
    records = Records(world, START, "EUR")
    ids: set[str] = set()
    activities = labels = 0
    for step in play(live, 60, 1_000):
        for tx in records.transactions(step.payments):
            assert decode_transaction(encode(tx)) == tx
            assert (tx.payee_id is None) == (tx.card_id is not None) == (tx.merchant_id is not None)
            ids.add(tx.tx_id)
        for activity in records.activities(step.activities):
            assert decode_activity(encode(activity)) == activity
            activities += 1
        for label in map(records.label, step.labels):
            assert decode_label(encode(label)) == label
            assert label.tx_id in ids
            labels += 1
    assert len(ids) > 15_000
    assert activities > 4_000
    assert labels > 10


@pytest.mark.parametrize("pattern", ["account_takeover", "card_testing", "compromised_terminal", ""])
def test_an_attack_multiplies_a_pattern_and_ends(pattern: str, world: World) -> None:
    usual, attacked = (LiveWorld(world, START, 30.0, 600.0) for _ in range(2))
    attacked.scenario = asked("attack", seconds=1_200, factor=20.0, pattern=pattern)
    before, during = (payments_of(play(live, 20, 60_000)) for live in (usual, attacked))
    wanted = [PATTERNS.index(pattern)] if pattern else range(1, len(PATTERNS))
    counts = [np.isin(p.pattern, wanted).sum() for p in (before, during)]
    assert counts[1] > 3 * counts[0]
    assert attacked.playing(START + 19 * 60_000) is not None
    assert attacked.playing(START + 20 * 60_000) is None


def test_a_burst_multiplies_the_rate(world: World) -> None:
    live = LiveWorld(world, START, 50.0, 600.0)
    live.scenario = asked("burst", seconds=30, factor=4.0)
    steps = play(live, 60, 1_000)
    first, then = (len(payments_of(part).time_ms) / 28 for part in (steps[2:30], steps[32:60]))
    assert 150 < first < 260
    assert 35 < then < 80


def test_a_drift_makes_everything_dearer(world: World) -> None:
    usual, drifted = (LiveWorld(world, START, 100.0, 600.0) for _ in range(2))
    drifted.scenario = asked("drift", factor=1.5)
    medians = [np.median(payments_of(play(live, 60, 1_000)).amount_minor) for live in (usual, drifted)]
    assert 1.3 < medians[1] / medians[0] < 1.7
    assert DRAWN_AT_ONCE_MS == 1_000


def transaction(caller: str) -> Transaction:
    return Transaction(
        v=1, tx_id="t", account_id="a", event_time_ms=START, amount_minor=1250, currency="EUR", caller=caller
    )


def test_a_caller_changes_its_schema() -> None:
    play = asked("schema", caller="checkout")
    retyped, new, other = (
        written(play, transaction("checkout"), 0),
        written(play, transaction("checkout"), 1),
        written(play, transaction("acquirer"), 0),
    )
    with pytest.raises(DecodeError) as refused:
        decode_transaction(retyped)
    assert refused.value.field == "amount_minor"
    assert decode_transaction(new) == transaction("checkout")
    assert b"sca_exemption" in new
    assert other == encode(transaction("acquirer")) == written(None, transaction("acquirer"), 0)


def test_a_caller_falls_silent() -> None:
    play = asked("silent", caller="checkout")
    assert not is_sent(play, "checkout")
    assert is_sent(play, "acquirer")
    assert is_sent(None, "checkout")
    assert is_sent(asked("burst", caller="checkout"), "checkout")


def test_a_pattern_that_is_none_is_refused() -> None:
    assert "no pattern 'magic'" in refuse(asked("attack", pattern="magic").request)
    assert refuse(asked("attack", pattern="card_testing").request) == ""


@pytest.mark.parametrize("start_ms", [0x1A21CA41480, 0x1A2AAAA4000, 0x1A22AAAA560, 0x1A2AAAAAAAA])
def test_no_id_of_a_live_run_holds_a_card_number_whenever_it_began(start_ms: int) -> None:
    ids = [name(start_ms, number) for number in range(2000) for name in (live_tx_id, live_activity_id)]
    assert len(set(ids)) == len(ids)
    assert not [text for text in ids if has_card_number(text)]
