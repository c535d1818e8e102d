"""Three patterns, each with its own face."""

from __future__ import annotations

import numpy as np

from services.simulator.core import fraud
from services.simulator.core.payments import CARD_TESTING, COMPROMISED_TERMINAL, STOLEN_CARD, genuine_day
from services.simulator.core.world import DAY_MS, World, generator

START = 20_000 * DAY_MS


def test_a_stolen_card_makes_a_few_dear_purchases_within_days(world: World) -> None:
    starts = np.full(200, START)
    frauds = fraud.steal_cards(world, generator(1, 9, 1), starts)
    genuine = genuine_day(world, generator(1, 9, 2), 20_000)
    assert set(frauds.pattern.tolist()) == {STOLEN_CARD}
    assert 4 < len(frauds.time_ms) / 200 < 6
    assert frauds.time_ms.min() >= START
    assert frauds.time_ms.max() < START + 3 * DAY_MS
    assert np.median(frauds.amount_minor) > 2 * np.median(genuine.amount_minor)


def test_card_testing_is_a_burst_of_tiny_amounts_then_a_large_one(world: World) -> None:
    frauds = fraud.test_cards(world, generator(1, 9, 3), np.array([START]))
    order = np.argsort(frauds.time_ms)
    amounts = frauds.amount_minor[order]
    tiny = amounts < 400
    assert set(frauds.pattern.tolist()) == {CARD_TESTING}
    assert len(set(frauds.account.tolist())) == 1
    assert tiny[:4].all()
    assert not tiny[-1]
    assert np.ptp(frauds.time_ms[order][tiny]) < 30 * 60_000


def test_a_share_of_a_compromised_terminals_payments_turns(world: World) -> None:
    genuine = genuine_day(world, generator(1, 9, 4), 20_000)
    terminals = np.unique(genuine.terminal)[:20]
    turned = fraud.turn_fraudulent(genuine, generator(1, 9, 5), terminals)
    bad = turned.pattern == COMPROMISED_TERMINAL
    there = np.isin(turned.terminal, terminals)
    assert not bad[~there].any()
    assert 0.4 < bad[there].mean() < 0.6
    assert np.array_equal(turned.amount_minor[~bad], genuine.amount_minor[~bad])


def test_terminals_stay_compromised_for_weeks(world: World) -> None:
    days = [set(fraud.compromised_terminals(world, day).tolist()) for day in range(20_000, 20_100)]
    ever = set().union(*days)
    lengths = [sum(terminal in day for day in days) for terminal in ever]
    assert len(ever) >= 3
    assert 15 <= np.median(lengths) <= 70


def test_no_campaign_at_all_is_no_fault(world: World) -> None:
    nothing = np.empty(0, np.int64)
    assert len(fraud.steal_cards(world, generator(1, 9, 6), nothing).time_ms) == 0
    assert len(fraud.test_cards(world, generator(1, 9, 6), nothing).time_ms) == 0
