"""A world follows from its seed, and its people have habits."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from services.simulator.core.payments import genuine_day, usual_terminals
from services.simulator.core.world import CATEGORIES, HOMES, World, generator, make_world


def test_equal_seeds_give_equal_worlds(world: World) -> None:
    again, other = make_world(7, 3_000, 200), make_world(8, 3_000, 200)
    for field in fields(World):
        assert np.array_equal(getattr(world, field.name), getattr(again, field.name))
    assert not np.array_equal(world.activity, other.activity)


def test_shapes(world: World) -> None:
    assert world.accounts == 3_000
    assert world.homes.shape == (3_000, HOMES)
    assert world.homes.max() < 200
    assert len(world.merchant_of) == world.first_terminal[-1]
    assert world.popularity[-1] == np.float64(1).item() or abs(world.popularity[-1] - 1) < 1e-12
    assert set(world.category.tolist()) <= set(range(len(CATEGORIES)))


def test_each_merchant_has_its_own_terminals(world: World) -> None:
    counts = np.bincount(world.merchant_of, minlength=200)
    assert counts.tolist() == np.diff(world.first_terminal).tolist()
    assert 1 <= counts.min() <= counts.max() <= 6


def test_accounts_pay_mostly_where_they_always_do(world: World) -> None:
    account = np.repeat(np.arange(300), 40)
    merchant = world.merchant_of[usual_terminals(world, generator(1, 9, 9), account)]
    at_home = (world.homes[account] == merchant[:, None]).any(axis=1)
    assert 0.8 < at_home.mean() < 0.95


def test_the_day_has_a_rhythm(world: World) -> None:
    payments = genuine_day(world, generator(1, 9, 9), 20_000)
    hours = (payments.time_ms // 3_600_000) % 24
    night, noon = np.isin(hours, range(2, 6)).mean(), np.isin(hours, range(12, 16)).mean()
    assert noon > 5 * night > 0


def test_activity_has_a_long_tail(world: World) -> None:
    assert 0.2 < np.median(world.activity) < 0.35
    assert world.activity.max() > 5
