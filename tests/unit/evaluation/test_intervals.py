"""Bootstrap intervals over accounts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.evaluation.intervals import Integers, account_interval, weighted_intervals
from shared.evaluation.ranking import auc_roc


def test_rows_of_an_account_come_together_and_drawn_accounts_are_numbered_anew() -> None:
    accounts = np.array(["b", "a", "b", "c", "b"])
    sizes = {"a": 1, "b": 3, "c": 1}

    def check(rows: Integers, drawn: Integers) -> float:
        assert np.unique(drawn).tolist() == [0, 1, 2]
        for number in range(3):
            mine = accounts[rows[drawn == number]]
            assert len(set(mine)) == 1
            assert len(mine) == sizes[mine[0]]
        return float(len(rows))

    interval = account_interval(check, accounts, np.random.default_rng(1), samples=50)
    assert 3 <= interval.low <= interval.high <= 9
    assert interval.samples == 50


def test_the_same_seed_gives_the_same_interval() -> None:
    generator = np.random.default_rng(5)
    accounts = generator.integers(0, 100, size=2000)
    labels = generator.random(2000) < 0.2
    scores = generator.normal(size=2000) + labels

    def auc(rows: Integers, _: Integers) -> float:
        return auc_roc(labels[rows], scores[rows])

    one, other = (account_interval(auc, accounts, np.random.default_rng(9)) for _ in range(2))
    assert one == other
    assert one.low < auc_roc(labels, scores) < one.high
    assert one.high - one.low < 0.1


def test_the_interval_of_a_mean_covers_as_it_says() -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        values = generator.normal(size=80)

        def mean(
            rows: Integers, _: Integers, values: np.ndarray[tuple[int], np.dtype[np.float64]] = values
        ) -> float:
            return float(values[rows].mean())

        interval = account_interval(mean, np.arange(80), generator, samples=100, level=0.9)
        covered += interval.low <= 0.0 <= interval.high
    assert 80 <= covered <= 97


def test_undefined_samples_are_left_out() -> None:
    def never(rows: Integers, drawn: Integers) -> float:
        return math.nan

    interval = account_interval(never, np.arange(3), np.random.default_rng(0), samples=5)
    assert math.isnan(interval.low)
    assert interval.samples == 0


@pytest.mark.parametrize(("rows", "samples", "level"), [(0, 5, 0.9), (3, 0, 0.9), (3, 5, 1.0), (3, 5, 0.0)])
def test_bad_calls(rows: int, samples: int, level: float) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        account_interval(lambda r, a: 0.0, np.arange(rows), np.random.default_rng(0), samples, level)


def test_weights_give_the_interval_that_drawn_rows_give() -> None:
    accounts = np.random.default_rng(3).integers(0, 40, size=300)
    values = np.random.default_rng(4).normal(size=300)
    place = np.unique(accounts, return_inverse=True)[1]

    def weighted(weights: Integers) -> dict[str, float]:
        return {"mean": float(np.average(values, weights=weights[place]))}

    by_rows = account_interval(lambda rows, _: float(values[rows].mean()), accounts, np.random.default_rng(9))
    by_weights = weighted_intervals(weighted, place.max() + 1, np.random.default_rng(9))["mean"]
    assert by_weights == pytest.approx(by_rows)


def test_a_paired_difference_is_surer_than_its_two_sides() -> None:
    draw = np.random.default_rng(5)
    one = draw.normal(size=400)
    other = one + draw.normal(0.5, 0.1, size=400)

    def statistic(weights: Integers) -> dict[str, float]:
        means = [float(np.average(values, weights=weights)) for values in (one, other)]
        return {"one": means[0], "difference": means[1] - means[0]}

    found = weighted_intervals(statistic, 400, np.random.default_rng(1))
    width = {name: interval.high - interval.low for name, interval in found.items()}
    assert width["difference"] < width["one"] / 4
    assert found["difference"].low < 0.5 < found["difference"].high


@pytest.mark.parametrize(("accounts", "samples", "level"), [(0, 5, 0.9), (3, 0, 0.9), (3, 5, 1.0)])
def test_bad_calls_of_the_weighted_form(accounts: int, samples: int, level: float) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        weighted_intervals(lambda _: {}, accounts, np.random.default_rng(0), samples, level)
