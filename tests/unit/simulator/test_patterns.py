"""Each pattern has its own face, and each kind of noise looks like one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from services.simulator.core.chance import Integers, generator, hurried, steps
from services.simulator.core.columns import (
    ACTIVITY_KINDS,
    CARD_TESTING,
    COMPROMISED_TERMINAL,
    GENUINE,
    PATTERNS,
    Events,
    Payments,
)
from services.simulator.core.draw import CAMPAIGN_DAYS, CAMPAIGNS, Drawer
from services.simulator.core.genuine.collection import Collection, collection
from services.simulator.core.genuine.moving import moving
from services.simulator.core.genuine.new_phone import new_phone
from services.simulator.core.genuine.outings import (
    LargePurchase,
    NightOut,
    TopUps,
    large_purchase,
    night_out,
    top_ups,
)
from services.simulator.core.life import STRANGE_DEVICES_FROM
from services.simulator.core.patterns.account_takeover import account_takeover
from services.simulator.core.patterns.card_testing import card_testing
from services.simulator.core.patterns.compromised_terminal import (
    attacked_terminals,
    compromised_terminals,
    turn_fraudulent,
)
from services.simulator.core.patterns.payment_scam import payment_scam
from services.simulator.core.patterns.stolen_card import stolen_card
from services.simulator.core.payees import MULES_FROM, mules
from services.simulator.core.span import DAY_MS, HOUR_MS, whole_day
from services.simulator.core.stage import Stage
from services.simulator.core.world import CATEGORIES, World

START = 20_000 * DAY_MS + 10 * HOUR_MS


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return Drawer(world).stage(whole_day(20_000))


def one(draw: Callable[..., Events], stage: Stage, seed: int) -> Events:
    return draw(stage, generator(1, 9, seed), np.array([START])).sorted()


def many(draw: Callable[..., Events], stage: Stage, n: int = 300) -> Events:
    return draw(stage, generator(1, 9, 3), np.full(n, START)).sorted()


def usual(payments: Payments) -> float:
    genuine = (payments.pattern == GENUINE) & (payments.terminal >= 0)
    return float(np.median(payments.amount_minor[genuine]))


def test_a_stolen_card_makes_a_few_dear_purchases_within_days(stage: Stage, payments: Payments) -> None:
    frauds = many(stolen_card, stage).payments
    assert 4.5 < len(frauds.time_ms) / 300 < 6.5
    assert frauds.time_ms.min() >= START
    assert frauds.time_ms.max() < START + 3 * DAY_MS
    assert np.median(frauds.amount_minor) > 2 * usual(payments)
    alone = one(stolen_card, stage, 4).payments
    assert len(set(alone.account.tolist())) == len(set(alone.card.tolist())) == 1


def test_card_testing_tries_small_at_one_shop_then_uses_dearly(stage: Stage) -> None:
    frauds = one(card_testing, stage, 5).payments
    shop = stage.world.merchant_of[frauds.terminal]
    tries = shop == shop[0]
    assert set(frauds.pattern.tolist()) == {CARD_TESTING}
    assert CATEGORIES[int(stage.world.category[shop[0]])].name == "digital"
    assert tries[:2].all()
    assert not tries[-1]
    assert np.median(frauds.amount_minor[tries]) < 1_000 < frauds.amount_minor[-1]
    assert len(set(frauds.device[frauds.device >= 0].tolist())) == 1
    assert frauds.account[-1] in frauds.account[tries]
    assert np.ptp(frauds.time_ms[tries]) < 60 * 60_000


def test_a_takeover_goes_step_by_step(stage: Stage) -> None:
    order = ["sim_changed", "login_failed", "device_registered", "login", "password_changed", "payee_added"]
    order += ["limit_raised"]
    swapped = 0
    for seed in range(40):
        payments, said = one(account_takeover, stage, seed)
        kinds = [ACTIVITY_KINDS[kind] for kind in said.kind.tolist()]
        assert kinds == sorted(kinds, key=order.index)
        assert ("sim_changed" in kinds) != ("login_failed" in kinds)
        swapped += "sim_changed" in kinds
        assert {"device_registered", "login", "payee_added"} <= set(kinds)
        assert 2 <= len(payments.time_ms) <= 6
        assert payments.time_ms[0] > said.time_ms[-1]
        assert len({*payments.account.tolist(), *said.account.tolist()}) == 1
        assert len({*payments.device.tolist(), *said.device.tolist()}) == 1
        assert payments.device[0] >= STRANGE_DEVICES_FROM
        assert set(payments.payee.tolist()) == set(said.payee[said.payee >= 0].tolist())
        assert payments.time_ms[-1] < START + CAMPAIGN_DAYS * DAY_MS
    assert 8 < swapped < 32


def test_a_drain_grows(stage: Stage) -> None:
    payments = [one(account_takeover, stage, seed).payments for seed in range(60)]
    grows = [p.amount_minor[-1] > p.amount_minor[0] for p in payments]
    assert np.mean(grows) > 0.7


def test_a_scam_goes_from_the_own_device_to_a_mule(stage: Stage) -> None:
    payments, said = many(payment_scam, stage)
    assert (payments.device < STRANGE_DEVICES_FROM).all()
    assert (payments.payee >= MULES_FROM).all()
    assert len(set(payments.payee.tolist())) < 5 < 200 < len(set(payments.account.tolist()))
    kinds = np.bincount(said.kind, minlength=len(ACTIVITY_KINDS))
    assert kinds[0] == kinds[3] == 300
    assert 60 < kinds[4] < 120


def test_mules_collect_for_days_and_are_then_closed(world: World) -> None:
    terms = [set(mules(world, generator(1, 9, 1), day, 200).tolist()) for day in range(20_000, 20_040)]
    assert all(len(term) == 2 for term in terms)
    assert 8 <= len(set().union(*terms)) <= 14


def test_a_share_of_a_compromised_terminals_payments_turns(payments: Payments) -> None:
    genuine = payments.at(payments.pattern == GENUINE)
    terminals = np.unique(genuine.terminal[genuine.terminal >= 0])[:20]
    turned = turn_fraudulent(genuine, generator(1, 9, 5), terminals)
    bad = turned.pattern == COMPROMISED_TERMINAL
    there = np.isin(turned.terminal, terminals)
    assert not bad[~there].any()
    assert 0.5 < bad[there].mean() < 0.7
    assert np.array_equal(turned.amount_minor[~bad], genuine.amount_minor[~bad])


def test_terminals_stay_compromised_for_weeks(world: World) -> None:
    days = [set(compromised_terminals(world, day).tolist()) for day in range(20_000, 20_100)]
    ever = set().union(*days)
    lengths = [sum(terminal in day for day in days) for terminal in ever]
    assert len(ever) >= 3
    assert 15 <= np.median(lengths) <= 70
    attacked = attacked_terminals(world, 20_000, 10.0)
    assert days[0] < set(attacked.tolist())
    assert len(attacked) > 4 * max(len(days[0]), 1)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns_keep_their_name_and_their_time(name: str, stage: Stage) -> None:
    events = many(CAMPAIGNS[name].draw, stage)
    assert set(events.payments.pattern.tolist()) == {PATTERNS.index(name)}
    assert events.payments.time_ms.max() < START + (CAMPAIGN_DAYS - 1) * DAY_MS


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_no_campaign_at_all_is_no_fault(name: str, stage: Stage) -> None:
    nothing = CAMPAIGNS[name].draw(stage, generator(1, 9, 6), np.empty(0, np.int64))
    assert len(nothing.payments.time_ms) == len(nothing.activities.time_ms) == 0


def test_a_new_phone_looks_like_a_takeover(stage: Stage) -> None:
    payments, said = new_phone(stage, generator(1, 9, 7))
    kinds = np.bincount(said.kind, minlength=len(ACTIVITY_KINDS))
    assert kinds[5] >= 2
    assert len(set(said.device.tolist())) == kinds[5]
    assert (payments.pattern == GENUINE).all()


def test_a_move_needs_new_payees_and_much_money(world: World) -> None:
    drawer, rng = Drawer(world), generator(1, 9, 8)
    moves = [moving(drawer.stage(whole_day(day)), rng) for day in range(20_000, 20_020)]
    added = sum(int((m.activities.kind == 3).sum()) for m in moves)
    deposits = np.concatenate([m.payments.amount_minor[m.payments.payee >> 32 == 1] for m in moves])
    assert added == 3 * len(deposits) > 0
    assert np.median(deposits) > 100_000


NOISE: list[Callable[[Stage, np.random.Generator], Events]] = [
    lambda s, r: large_purchase(s, r, LargePurchase(per_account_day=0.05)),
    lambda s, r: night_out(s, r, NightOut(per_account_day=0.05)),
    lambda s, r: top_ups(s, r, TopUps(per_account_day=0.05)),
    lambda s, r: collection(s, r, Collection(per_account_day=0.02)),
]


@pytest.mark.parametrize("draw", NOISE)
def test_noise_is_genuine(draw: Callable[[Stage, np.random.Generator], Events], stage: Stage) -> None:
    payments = draw(stage, generator(1, 9, 9)).payments
    assert len(payments.time_ms) > 100
    assert (payments.pattern == GENUINE).all()


def test_a_night_out_is_in_the_evening(stage: Stage) -> None:
    payments = NOISE[1](stage, generator(1, 9, 9)).payments
    hour = payments.time_ms // HOUR_MS % 24
    assert ((hour >= 18) | (hour < 6)).mean() > 0.98


def test_a_collection_is_for_one_from_many(stage: Stage) -> None:
    payments = NOISE[3](stage, generator(1, 9, 9)).payments
    payers = [len(set(payments.account[payments.payee == p].tolist())) for p in np.unique(payments.payee)]
    assert np.median(payers) >= 7


def test_steps_that_do_not_happen_take_no_time() -> None:
    starts: Integers = np.array([5, 7])
    happens = np.array([[True, False, True], [False, False, False]])
    times = steps(generator(1, 9, 9), starts, [1e3, 1e3, 1e3], happens, 1.0)
    assert times[0, 0] == times[0, 1] < times[0, 2]
    assert times[1].tolist() == [7, 7, 7]


def test_a_busy_world_hurries_long_waits_only() -> None:
    waits = np.array([60e3, 1_800e3, 5_400e3])
    assert hurried(waits, 1.0).tolist() == waits.tolist()
    assert hurried(waits, 0.5).tolist() == waits.tolist()
    assert hurried(waits, 100.0).tolist() == [60e3, 1_800e3, 1_836e3]
