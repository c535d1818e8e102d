"""Known frauds and high payments, rule by rule: what ends a run, what leaves a habit, what was high."""

from __future__ import annotations

from math import isnan
from typing import Any, Final

import pytest

from shared.features.timelines import Timelines
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, Logs, program_of

DAY_MS: Final = 86_400_000
NOW_MS: Final = 1_700_000_000_000
DELAY_MS: Final = 7 * DAY_MS
IDS: Final = [("c", "t")]

OF_TERMINAL: Final = {"entity": 1, "stream": 1, "window_ms": 60 * DAY_MS, "offset_ms": DELAY_MS}
OF_CARD: Final = {"entity": 0, "window_ms": 60 * DAY_MS, "span_ms": DELAY_MS}
FEATURES: Final[dict[str, dict[str, Any]]] = {
    "run": {"kind": "fraud_run", **OF_TERMINAL},
    "run_age": {"kind": "fraud_run_age", **OF_TERMINAL},
    "genuine": {"kind": "since_genuine", **OF_TERMINAL},
    "fraud": {"kind": "since_fraud", **OF_TERMINAL},
    "ratio": {"kind": "clean_ratio", **OF_CARD, "p0": 1.0},
    "z": {"kind": "clean_z", **OF_CARD, "p0": 0.0, "p1": 50.0},
    "high": {
        **OF_CARD,
        "kind": "high_count",
        "window_ms": 3 * DAY_MS,
        "span_ms": 60 * DAY_MS,
        "p0": 3.0,
        "p1": 2.0,
    },
}


def payment(number: int, days_ago: float = 0.0, amount: int = 100) -> Record:
    return Record(NOW_MS - round(days_ago * DAY_MS), amount, number)


def label(number: int, of: Record, known_days_ago: float = 1.0, verdict: int = 1) -> Record:
    known_ms = NOW_MS - round(known_days_ago * DAY_MS)
    return Record(of.time, known_ms, 1_000_000 + number, kind=2, ref=of.id, verdict=verdict)


class Street:
    """One card at one terminal."""

    def __init__(self) -> None:
        self.logs = Logs(Features(program_of(list(FEATURES.values()))))
        self.worker = Timelines(self.logs.features, 1 << 20, self.logs.key)

    def send(self, *records: Record) -> dict[str, float]:
        """Fold the records as one batch; what the last one gets."""
        result = self.logs.fold(self.worker, records, IDS * len(records))
        self.logs.check(result, records, IDS * len(records))
        return dict(zip(FEATURES, result.matrix[-1].tolist(), strict=True))


@pytest.fixture
def street() -> Street:
    return Street()


def test_a_card_of_one_payment_has_no_habit_and_its_terminal_no_run(street: Street) -> None:
    found = street.send(payment(1))
    assert (found["run"], found["high"]) == (0, 0)
    assert all(isnan(found[name]) for name in ("run_age", "genuine", "fraud", "ratio", "z"))


def test_a_run_is_the_known_frauds_after_the_newest_genuine_payment(street: Street) -> None:
    old = [payment(1, 12), payment(2, 11), payment(3, 10), payment(4, 8), payment(5, 6)]
    street.send(*old, *(label(i, old[i]) for i in (0, 2, 3, 4)))
    found = street.send(payment(9))
    assert found["run"] == 2  # of day 6 nobody can know yet, and day 11 is genuine
    assert found["run_age"] == 10 * 86_400
    assert found["genuine"] == 11 * 86_400
    assert found["fraud"] == 8 * 86_400


def test_a_reversed_label_ends_a_run_and_a_later_one_takes_it_up_again(street: Street) -> None:
    old = [payment(1, 10), payment(2, 9)]
    street.send(*old, label(1, old[0]), label(2, old[1]))
    assert street.send(payment(3))["run"] == 2
    street.send(label(3, old[1], 0.5, verdict=3))
    found = street.send(payment(4))
    assert (found["run"], found["genuine"], found["fraud"]) == (0, 9 * 86_400, 10 * 86_400)
    street.send(label(4, old[1], 0.25))
    assert street.send(payment(5))["run"] == 2


def test_a_label_counts_from_when_it_was_known(street: Street) -> None:
    old = payment(1, 9)
    street.send(old, label(1, old, known_days_ago=-1))
    assert street.send(payment(2))["run"] == 0
    assert street.send(payment(3, -1))["run"] == 1


def test_a_late_payment_ends_the_run_where_it_belongs(street: Street) -> None:
    old = [payment(1, 12), payment(2, 8)]
    street.send(*old, label(1, old[0]), label(2, old[1]))
    assert street.send(payment(3))["run"] == 2
    street.send(payment(4, 10))
    assert street.send(payment(5))["run"] == 1


def test_the_last_of_one_instant_is_the_one_that_came_last(street: Street) -> None:
    first, second = payment(2, 8), payment(1, 8)
    street.send(first, second, label(1, second))
    assert street.send(payment(3))["run"] == 1
    street.send(label(2, second, 0.5, verdict=2), label(3, first))
    found = street.send(payment(4))
    assert (found["run"], found["genuine"], found["fraud"]) == (0, 8 * 86_400, 8 * 86_400)


def test_a_redelivered_payment_gets_what_it_got_the_first_time(street: Street) -> None:
    old = payment(1, 9)
    first = street.send(old, label(1, old), payment(2))
    street.send(label(2, old, 0.5, verdict=3), payment(3, 8))
    again = street.send(payment(2))
    assert (again["run"], again["run_age"]) == (first["run"], first["run_age"]) == (1, 9 * 86_400)


def test_a_habit_leaves_out_frauds_once_they_are_known_and_old_enough(street: Street) -> None:
    usual = [payment(1, 20, 100), payment(2, 19, 300)]
    frauds = [payment(3, 9, 10_000), payment(4, 6, 800)]
    street.send(*usual, *frauds, *(label(i, fraud) for i, fraud in enumerate(frauds)))
    assert street.send(payment(9, amount=600))["ratio"] == 600 / ((100 + 300 + 800) / 3 + 1)
    known = street.send(payment(10, -1, amount=600))
    assert known["ratio"] == 600 / ((100 + 300 + 600) / 3 + 1)
    assert known["z"] == (600 - 1000 / 3) / (((3 * (10_000 + 90_000 + 360_000) - 1000**2) / 9) ** 0.5 + 50)


def test_a_habit_needs_two_payments_that_are_no_known_frauds(street: Street) -> None:
    old = [payment(1, 20), payment(2, 9)]
    street.send(*old)
    assert not isnan(street.send(payment(3))["z"])
    other = Street()
    other.send(*old, label(1, old[0]))
    found = other.send(payment(3))
    assert isnan(found["ratio"])
    assert isnan(found["z"])


def test_a_payment_is_high_by_those_before_it_and_stays_so(street: Street) -> None:
    street.send(payment(1, 9, 100), payment(2, 8, 100), payment(3, 2, 301))
    assert street.send(payment(4))["high"] == 1
    street.send(payment(5, 2.5, 400), payment(6, 4, 300))
    assert (
        street.send(payment(7))["high"] == 0
    )  # the late ones changed the mean before the third, and no more


def test_a_payment_is_high_only_above_the_limit_and_behind_enough_others(street: Street) -> None:
    street.send(payment(1, 2.9, 100), payment(2, 2.8, 5_000), payment(3, 70, 1))
    assert street.send(payment(4))["high"] == 0  # the second has one payment before it, the third is too old
    other = Street()
    other.send(payment(1, 9, 100), payment(2, 8, 100), payment(3, 2, 300))
    assert other.send(payment(4))["high"] == 0  # three times the mean is not above it


def test_each_payment_has_its_own_usual_window(street: Street) -> None:
    old = payment(
        1, 62.85, 1_000
    )  # within the 60 days before the third, no more within those before the fourth
    street.send(old, payment(2, 40, 100), payment(3, 2.9, 50), payment(4, 2.8, 250))
    assert street.send(payment(5))["high"] == 1
