"""Only labels carry the truth: nothing that a payment or an activity shows belongs to fraud alone."""

from __future__ import annotations

import re
from bisect import bisect

import numpy as np
import pytest

from services.simulator.core.columns import LOGIN, PATTERNS, Activities, Payments
from services.simulator.core.history import Past
from services.simulator.core.names import device_id, payee_id
from services.simulator.core.tables import ACTIVITIES, TRANSACTIONS, Tables
from services.simulator.core.world import World

PLAIN = ("category", "channel", "country", "caller", "currency")


@pytest.fixture(scope="module")
def shown(world: World, past: list[Past]) -> dict[str, np.typing.NDArray[np.object_]]:
    """The plain texts of all payments of sixty days."""
    tables = Tables(world, "EUR")
    days = [tables.transactions(day) for day in past]
    return {name: np.concatenate([day[name].to_numpy() for day in days]) for name in PLAIN}


def areas(values: np.typing.NDArray[np.int64], fraud: np.typing.NDArray[np.bool_]) -> float:
    """The chance that a fraud's value is above a genuine one's, equal values halved at random."""
    order = np.random.default_rng(1).permutation(len(values))
    ranks = np.empty(len(values))
    ranks[order[np.argsort(values[order], kind="stable")]] = np.arange(len(values))
    return float((ranks[fraud].mean() - (fraud.sum() - 1) / 2) / (~fraud).sum())


@pytest.mark.parametrize("name", PLAIN)
def test_every_value_of_a_field_is_mostly_genuine(
    name: str, shown: dict[str, np.typing.NDArray[np.object_]], payments: Payments
) -> None:
    fraud = payments.pattern != 0
    values = np.array(["" if v is None else v for v in shown[name]])
    for value in np.unique(values[fraud]):
        assert fraud[values == value].mean() < 0.15, value


def test_the_amount_alone_tells_little(payments: Payments) -> None:
    assert 0.4 < areas(payments.amount_minor, payments.pattern != 0) < 0.75


@pytest.mark.parametrize("step", [10, 100, 500, 1_000, 5_000])
def test_round_amounts_of_transfers_are_no_sign(step: int, payments: Payments) -> None:
    transfer = (payments.terminal < 0) & (payments.device >= 0)
    fraud = payments.pattern[transfer] != 0
    is_round = payments.amount_minor[transfer] % step == 0
    assert abs(is_round[fraud].mean() - is_round[~fraud].mean()) < 0.15


def test_milliseconds_and_seconds_have_no_pattern(payments: Payments, activities: Activities) -> None:
    fraud = payments.pattern != 0
    for modulus in (1_000, 60_000):
        for times in (payments.time_ms[fraud], payments.time_ms[~fraud], activities.time_ms):
            share = np.bincount(times % modulus * 10 // modulus, minlength=10) / len(times)
            assert abs(share - 0.1).max() < 5 * np.sqrt(0.09 / len(times))


def test_the_place_in_the_day_tells_no_more_than_the_hour(past: list[Past]) -> None:
    """Ids count a day's payments in time order; within an hour fraud stands anywhere."""
    places = []
    for day in past:
        fraud = day.payments.pattern != 0
        hour = day.payments.time_ms // 3_600_000
        for h in np.unique(hour[fraud]):
            inside = np.flatnonzero(hour == h)
            places += ((inside[fraud[inside]] - inside[0]) / max(len(inside) - 1, 1)).tolist()
    assert 0.45 < np.mean(places) < 0.55


def test_of_equal_times_the_order_is_the_accounts(past: list[Past]) -> None:
    for day in past:
        same = np.diff(day.payments.time_ms) == 0
        assert (np.diff(day.payments.account)[same] >= 0).all()


def test_names_of_things_hide_their_codes() -> None:
    codes = [3, 4, 1 << 48, (1 << 48) + 1, 1 << 50]
    for name, prefix in ((device_id, "dev"), (payee_id, "payee")):
        names = [name(code) for code in codes]
        assert len(set(names)) == len(codes)
        assert all(re.fullmatch(prefix + "-[0-9a-f]{12}", text) for text in names)
        assert max(len(text) for text in names) <= 64


def test_no_column_carries_the_truth_but_the_label_ones() -> None:
    label = {"fraud", "fraud_known_at", "fraud_reversed_at", "fraud_type"}
    assert {name for name in TRANSACTIONS.names if "fraud" in name} == label
    assert not {name for name in ACTIVITIES.names if "fraud" in name or "pattern" in name}


def test_a_devices_absence_and_kinds_of_activity_are_no_sign(
    payments: Payments, activities: Activities
) -> None:
    fraud = payments.pattern != 0
    assert (payments.device[fraud] < 0).mean() > 0.2
    assert (payments.device[~fraud] < 0).mean() > 0.2
    taken = np.unique(payments.account[payments.pattern == PATTERNS.index("account_takeover")])
    for kind in np.unique(activities.kind):
        accounts = activities.account[activities.kind == kind]
        assert np.isin(accounts, taken).mean() < 0.6


@pytest.mark.parametrize("pattern", ["", "account_takeover", "payment_scam"])
def test_a_login_of_its_device_stands_before_every_transfer_by_hand(
    pattern: str, payments: Payments, activities: Activities
) -> None:
    logins: dict[tuple[int, int], list[int]] = {}
    entered = activities.at(activities.kind == LOGIN)
    for time_ms, account, _, device, _ in zip(*(c.tolist() for c in entered), strict=True):
        logins.setdefault((account, device), []).append(time_ms)
    by_hand = (payments.terminal < 0) & (payments.device >= 0)
    sent = payments.at(by_hand & (payments.pattern == PATTERNS.index(pattern)))
    rows = zip(sent.time_ms.tolist(), sent.account.tolist(), sent.device.tolist(), strict=True)
    waits = []
    for time_ms, account, device in rows:
        known = logins.get((account, device), [])
        place = bisect(known, time_ms)
        waits.append(time_ms - known[place - 1] if place else np.inf)
    assert (np.array(waits) < 6 * 3_600_000).mean() > 0.97
