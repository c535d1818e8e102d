"""What lasts: trips, phones, flats and the month, by the life clock. Equal days give equal lives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from .chance import STREAM_TRIPS, Floats, Integers, generator
from .columns import NONE
from .span import Span
from .world import COUNTRIES, World

DEVICES_MOST: Final = 100_000
"""Device codes of one account: its phones in order, the last for its laptop."""

STRANGE_DEVICES_FROM: Final = 1 << 50
"""Codes of devices that belong to nobody we know: borrowed, cleared, or a thief's."""
STRANGE_DEVICES: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Trips:
    """How accounts travel. ``per_day``: chance that an account leaves on a day; lengths in days."""

    per_day: float = 0.0035
    least_days: int = 2
    most_days: int = 16


TRIPS: Final = Trips()


def travellers(world: World, life_day: int, trips: Trips = TRIPS) -> Integers:
    """Where each account (a,) is abroad on a day, as a position of `COUNTRIES`, else `NONE`."""
    where = np.full(world.accounts, NONE, np.int64)
    for start in range(life_day - trips.most_days, life_day + 1):
        account, country, days = _departures(world, start, trips)
        gone = start + days > life_day
        where[account[gone]] = country[gone]
    return where


@lru_cache(maxsize=64)
def _departures(world: World, day: int, trips: Trips) -> tuple[Integers, Integers, Integers]:
    """Who leaves on a day, where to, for how many days."""
    rng = generator(world.seed, STREAM_TRIPS, day)
    n = rng.poisson(world.accounts * trips.per_day)
    account, country = rng.integers(0, world.accounts, n), rng.integers(0, len(COUNTRIES), n)
    days = rng.integers(trips.least_days, trips.most_days, n)
    abroad = country != world.home[account]
    return account[abroad], country[abroad], days[abroad]


def phones(world: World, span: Span, account: Integers, time_ms: Integers) -> Integers:
    """The device code (n,) of each account's phone at that time."""
    count = _replaced(span.life_days_at(time_ms), world.phone_phase[account], world.phone_days[account])
    return account * DEVICES_MOST + count


def laptops(account: Integers) -> Integers:
    """The device code (n,) of each account's laptop."""
    return account * DEVICES_MOST + DEVICES_MOST - 1


def strange_devices(rng: np.random.Generator, n: int) -> Integers:
    """n devices that no account ever showed."""
    return STRANGE_DEVICES_FROM + rng.integers(0, STRANGE_DEVICES, n)


def flats(world: World, life_days: Floats, account: Integers) -> Integers:
    """Which flat (n,) each account lives in, counted from its first."""
    return _replaced(life_days, world.flat_phase[account], world.flat_days[account])


def new_phones(world: World, span: Span) -> tuple[Integers, Integers]:
    """Accounts whose phone is replaced within the span, and when."""
    return _changes(span, world.phone_phase, world.phone_days)


def new_flats(world: World, span: Span) -> tuple[Integers, Integers]:
    """Accounts that move within the span, and when."""
    return _changes(span, world.flat_phase, world.flat_days)


def spending_mood(world: World, life_day: int) -> Floats:
    """How much more than usual each account (a,) spends: much after its pay day, less before the next."""
    since = (_day_of_month(life_day) - world.pay_day) % 30
    return np.where(since < 5, 1.35, np.where(since < 21, 1.0, 0.78))


def days_since_pay(world: World, life_day: int) -> Integers:
    """Days (a,) since the last pay day, in months of thirty days."""
    since: Integers = (_day_of_month(life_day) - world.pay_day) % 30
    return since


def _day_of_month(life_day: int) -> int:
    day = np.datetime64(life_day, "D")
    return int((day - day.astype("datetime64[M]")).astype(int)) + 1


def _replaced(life_days: Floats, phase: Floats, kept_days: Integers) -> Integers:
    return np.floor((life_days + phase) / kept_days).astype(np.int64)


def _changes(span: Span, phase: Floats, kept_days: Integers) -> tuple[Integers, Integers]:
    edges = np.array([span.from_ms, span.to_ms])
    first, last = span.life_days_at(edges).tolist()
    account = np.flatnonzero(
        _replaced(np.full(1, last), phase, kept_days) > np.floor((first + phase) / kept_days)
    )
    count = _replaced(np.full(1, last), phase[account], kept_days[account])
    when = span.time_of(count * kept_days[account] - phase[account])
    return account, np.clip(when, span.from_ms, span.to_ms - 1)
