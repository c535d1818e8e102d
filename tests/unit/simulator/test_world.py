"""A world follows from its seed, and its people have habits."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from services.simulator.core.chance import generator
from services.simulator.core.life import (
    flats,
    new_flats,
    new_phones,
    phones,
    spending_mood,
    travellers,
)
from services.simulator.core.shops import merchants_in, terminals_of, usual_merchants, wanted_merchants
from services.simulator.core.span import whole_day
from services.simulator.core.world import CATEGORIES, COUNTRIES, HOMES, World, make_world


def test_equal_seeds_give_equal_worlds(world: World) -> None:
    again, other = make_world(7, 3_000, 200), make_world(8, 3_000, 200)
    for field in fields(World):
        assert np.array_equal(getattr(world, field.name), getattr(again, field.name))
    assert not np.array_equal(world.card_rate, other.card_rate)


def test_shapes(world: World) -> None:
    assert world.accounts == 3_000
    assert world.homes.shape == (3_000, HOMES)
    assert world.homes.max() < 200
    assert len(world.merchant_of) == world.first_terminal[-1]
    assert set(world.category.tolist()) <= set(range(len(CATEGORIES)))
    assert set(world.country.tolist()) == set(range(len(COUNTRIES)))


def test_each_merchant_has_its_own_terminals(world: World) -> None:
    counts = np.bincount(world.merchant_of, minlength=200)
    assert counts.tolist() == np.diff(world.first_terminal).tolist()
    assert 1 <= counts.min() <= counts.max() <= 6
    merchant = np.arange(200)
    terminal = terminals_of(world, generator(1, 9, 9), merchant)
    assert np.array_equal(world.merchant_of[terminal], merchant)


def test_accounts_pay_mostly_where_they_always_do_and_at_home(world: World) -> None:
    account = np.repeat(np.arange(300), 40)
    merchant = usual_merchants(world, generator(1, 9, 9), account)
    at_home = (world.homes[account] == merchant[:, None]).any(axis=1)
    assert 0.8 < at_home.mean() < 0.95
    assert (world.country[merchant] == world.home[account]).mean() > 0.75


def test_merchants_are_found_by_country_and_kind(world: World) -> None:
    country = np.repeat(np.arange(len(COUNTRIES)), 50)
    assert np.array_equal(world.country[merchants_in(world, generator(1, 9, 1), country)], country)
    shops = wanted_merchants(world, generator(1, 9, 2), np.zeros(200, np.int64), ("grocery",))
    assert (world.category[shops] == 0).all()
    assert (world.country[shops] == 0).all()


def test_a_trip_lasts_days_and_leads_abroad(world: World) -> None:
    days = np.array([travellers(world, day) for day in range(20_000, 20_040)])
    away = days >= 0
    assert 0.01 < away.mean() < 0.06
    assert (days != np.where(away, world.home, -2)).all()
    whole = [run for account in away.T for run in _runs(account)]
    assert min(whole) >= 2
    assert max(whole) <= 40


def _runs(flags: np.typing.NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of True that begin and end within."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.view(np.int8), [0]])))
    pairs = edges.reshape(-1, 2)
    return [int(b - a) for a, b in pairs if a > 0 and b < len(flags)]


def test_a_phone_is_replaced_by_day_and_stays(world: World) -> None:
    everyone = np.arange(world.accounts)
    changed = 0
    for day in range(20_000, 20_030):
        span = whole_day(day)
        account, when = new_phones(world, span)
        changed += len(account)
        hour = (when - span.from_ms) / 3_600_000
        assert ((hour > 8.99) & (hour < 21.01)).all()
        before = phones(world, span, account, when - 60_000)
        assert (phones(world, span, account, when + 60_000) == before + 1).all()
        first, last = (
            phones(world, span, everyone, everyone * 0 + t) for t in (span.from_ms, span.to_ms - 1)
        )
        assert set(np.flatnonzero(first != last).tolist()) == set(account.tolist())
    assert 60 < changed < 220


def test_a_move_changes_the_flat(world: World) -> None:
    moved = 0
    for day in range(20_000, 20_030):
        account, when = new_flats(world, whole_day(day))
        moved += len(account)
        days = when / 86_400_000
        assert (flats(world, days + 0.01, account) == flats(world, days - 0.01, account) + 1).all()
    assert 20 < moved < 130


def test_much_is_spent_after_pay_day(world: World) -> None:
    day = np.datetime64("2024-10-27").astype(int)
    mood = spending_mood(world, int(day))
    assert (mood[np.isin(world.pay_day, [25, 26, 27])] > 1.3).all()
    assert (mood[world.pay_day == 28] < 0.8).all()
