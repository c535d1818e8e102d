"""The split in time, day by day."""

from __future__ import annotations

import numpy as np
import pytest

from shared.evaluation.splits import Split, delayed_split

DAYS = np.arange(0, 40)


def split(days: list[int], cards: list[int], labels: list[int], window_days: int | None = None) -> Split:
    return delayed_split(
        np.array(days),
        np.array(cards),
        np.array(labels, dtype=np.bool_),
        first_day=10,
        train_days=7,
        delay_days=7,
        test_days=7,
        window_days=window_days,
    )


def test_seven_days_each() -> None:
    made = split(DAYS.tolist(), [0] * 40, [0] * 40)
    assert DAYS[made.train].tolist() == list(range(10, 17))
    assert DAYS[made.test].tolist() == list(range(24, 31))


@pytest.mark.parametrize(
    ("fraud_day", "last_tested"),
    [
        (9, 30),  # before the training week: not looked at
        (10, None),
        (16, None),
        (17, 24),  # known on day 25
        (20, 27),
        (22, 29),
        (23, 30),  # known on day 31
        (40, 30),
    ],
)
def test_a_card_leaves_the_test_once_its_fraud_is_known(fraud_day: int, last_tested: int | None) -> None:
    week = list(range(24, 31))
    made = split([fraud_day, *week, *week], [1] * 8 + [2] * 7, [1] + [0] * 14)
    tested = np.array(week)[made.test[1:8]].tolist()
    assert tested == ([] if last_tested is None else list(range(24, last_tested + 1)))
    assert made.test[8:].all()


def test_a_longer_window_ends_on_the_same_day_and_moves_nothing_else() -> None:
    cards, labels = [d % 5 for d in range(40)], [int(d == 6) for d in range(40)]
    short, long = (split(DAYS.tolist(), cards, labels, days) for days in (None, 12))
    assert DAYS[long.train].tolist() == list(range(5, 17))
    assert (short.test == long.test).all()


@pytest.mark.parametrize(
    "wrong", [{"train_days": 0}, {"test_days": 0}, {"delay_days": -1}, {"window_days": 0}]
)
def test_bad_lengths(wrong: dict[str, int]) -> None:
    lengths = {"first_day": 0, "train_days": 1, "delay_days": 0, "test_days": 1, **wrong}
    with pytest.raises(ValueError, match="at least one day"):
        delayed_split(DAYS, DAYS, DAYS > 3, **lengths)
