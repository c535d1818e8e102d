"""One model measured as a whole: names, the operating point, weights beside sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.evaluation.assessment import Assessment, Point, Terms
from shared.evaluation.fraud_metrics import Sampling
from shared.evaluation.metric_table import BY_NAME
from shared.evaluation.payments import payments_of
from shared.evaluation.sweep import DAY_MS, UNCAUGHT


def assessment(terms: Terms | None = None, *, with_probabilities: bool = True) -> Assessment:
    """Two hundred payments of forty accounts over a week, frauds among the high scores."""
    draw = np.random.default_rng(2)
    account = draw.integers(0, 40, 200)
    score = draw.random(200)
    fraud = (score > 0.8) & (account < 35)
    payments = payments_of(account, draw.integers(0, 7 * DAY_MS, 200), draw.integers(1, 900, 200), fraud)
    scores = payments.scores(score)
    return Assessment(payments, scores, scores if with_probabilities else None, terms)


def test_every_value_is_a_metric_of_the_table() -> None:
    found = assessment(Terms(delays_ms=(5,))).values(Point())
    names = {name.rpartition(".")[2].replace("_5_ms", "_D_ms") for name in found}
    assert names == set(BY_NAME)
    assert all(name.split(".")[0] in {"strict", "every_event"} for name in found if "." in name)
    assert "brier_score" not in assessment(with_probabilities=False).values(Point())


def test_the_point_is_an_afpr_or_a_score() -> None:
    found = assessment()
    place = found.place("strict", Point(afpr_limit=0.5))
    assert found.at("strict", place)["afpr_ratio"] <= 0.5
    assert found.threshold("strict", found.place("strict", Point(score=0.5))) >= 0.5
    assert math.isnan(found.threshold("strict", UNCAUGHT))
    assert found.at("strict", UNCAUGHT)["contacts"] == 0
    assert found.curves("strict")["adr_ratio"].shape == found.sweeps["strict"].thresholds.shape


def test_weights_of_one_change_nothing_and_sampling_goes_on_under_them() -> None:
    plain, sampled = assessment(), assessment(Terms(sampling=Sampling(genuine_ratio=0.2)))
    ones = np.ones(plain.payments.accounts, np.int64)
    point = Point(score=0.7)
    for found in (plain, sampled):
        assert found.values(point, ones) == pytest.approx(found.values(point), nan_ok=True)
    place = plain.place("strict", point)
    one, other = plain.at("strict", place, ones), sampled.at("strict", place, ones)
    assert other["afpr_ratio"] == pytest.approx(one["afpr_ratio"] / 0.2)
    assert other["adr_ratio"] == pytest.approx(one["adr_ratio"])
