"""What an evaluation says: cells, verdicts, curves."""

from __future__ import annotations

import numpy as np
import pytest

from services.cli.core.evaluation import Draws, Value, differences, measured, score_at
from services.cli.core.evaluation_charts import DELAYS_MS, POINTS, Side, charts
from services.cli.core.evaluation_facts import Money, span
from services.cli.core.evaluation_tables import cell, difference_table, title
from shared.evaluation.assessment import Assessment, Point, Terms
from shared.evaluation.payments import payments_of
from shared.evaluation.sweep import DAY_MS, HOUR_MS

EUR = Money(currency="EUR", digits=2)
POINT = Point(afpr_limit=0.5)


def found(seed: int = 1, *, with_probabilities: bool = True) -> Assessment:
    """Two thousand payments of five hundred accounts; the seed is the model's, the payments are the same."""
    draw = np.random.default_rng(7)
    account, fraud = draw.integers(0, 500, 2000), draw.random(2000) < 0.05
    payments = payments_of(account, draw.integers(0, 9 * DAY_MS, 2000), draw.integers(1, 90_000, 2000), fraud)
    noise = np.random.default_rng(seed).normal(size=2000)
    probabilities = payments.scores(1 / (1 + np.exp(4 - noise - 4.5 * fraud)))
    raw = np.log(probabilities / (1 - probabilities))
    return Assessment(payments, raw, probabilities if with_probabilities else None, Terms())


@pytest.mark.parametrize(
    ("time_ms", "told"), [(30 * DAY_MS, "30 d"), (6 * HOUR_MS, "6 h"), (5_400_000, "90 min"), (250, "250 ms")]
)
def test_a_time_in_its_unit(time_ms: int, told: str) -> None:
    assert span(time_ms) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("adr_ratio", Value(value=0.75, low=0.7, high=0.8), "0.750 (0.700..0.800)"),
        ("adr_ratio", Value(value=None), "-"),
        ("adr_ratio", Value(value=-0.0001), "0.000"),
        ("contacts", Value(value=1234.0), "1,234"),
        ("net_saving_minor", Value(value=-123_456.0, low=-200_000.0, high=5_000.0), "-1,235 (-2,000..50)"),
    ],
)
def test_a_cell(name: str, value: Value, told: str) -> None:
    assert cell(name, value, EUR) == told


def test_a_difference_is_told_where_its_interval_leaves_out_zero() -> None:
    given = {
        "auc_roc": Value(value=0.1, low=0.05, high=0.2),
        "strict.adr_ratio": Value(value=-0.1, low=-0.2, high=-0.05),
        "every_event.vdr_after_3600000_ms_ratio": Value(value=0.1, low=-0.1, high=0.3),
    }
    rows = difference_table(given, EUR)[1]
    assert [(row[0], row[2]) for row in rows] == [
        ("area under ROC", "more"),
        ("ADR, strict", "less"),
        ("VDR after 1 h, every event", ""),
    ]
    assert title("precision_100") == "precision at 100"


def test_intervals_hold_the_value_and_those_of_a_model_against_itself_are_zero() -> None:
    one = found()
    told = measured("m 1", one, POINT, Draws(samples=30), as_published=True)
    assert told.ranking["auc_roc"].low is not None
    assert told.published is not None
    auc = told.ranking["auc_roc"]
    assert auc.low is not None and auc.high is not None and auc.value is not None  # noqa: PT018 - for the types
    assert auc.low < auc.value < auc.high
    assert measured("m 1", one, POINT, Draws(samples=0), as_published=False).ranking["auc_roc"].low is None
    same = differences(one, one, (POINT, POINT), Draws(samples=5))
    assert {(v.value, v.low, v.high) for v in same.values()} == {(0.0, 0.0, 0.0)}


def test_a_probability_is_the_lowest_score_that_reaches_it() -> None:
    one = found()
    score = score_at(one, 0.3)
    assert one.probabilities is not None
    assert score == one.scores[one.probabilities >= 0.3].min()
    assert score_at(one, 1.1) == np.inf
    assert score_at(found(with_probabilities=False), 0.3) == 0.3


def test_curves_are_thinned_and_keep_their_ends() -> None:
    side = Side(label="small 1", found=found(), point=POINT)
    made = {chart.name: chart for chart in charts([side], EUR)}
    assert set(made) == {"precision-recall", "roc", "accounts", "gain", "calibration", "delay"}
    curve = made["roc"].lines[0]
    assert len(curve.x) <= POINTS + 1
    assert (curve.x[-1], curve.y[-1]) == (1.0, 1.0)
    whole = side.found.curves("strict")["tdr_ratio"]
    assert set(curve.y) <= set(whole.tolist())
    assert made["accounts"].marks[0].x <= 0.5


def test_the_curve_of_delays_begins_below_the_real_time_value_and_falls() -> None:
    side = Side(label="small 1", found=found(), point=POINT)
    lines = {chart.name: chart for chart in charts([side], EUR)}["delay"].lines
    assert [line.label for line in lines] == ["strict", "every event"]
    real_time = side.found.at("strict", side.place("strict"))["vdr_ratio"]
    assert lines[0].x == list(map(float, DELAYS_MS))
    assert 0 < lines[0].y[0] <= real_time
    assert sorted(lines[0].y, reverse=True) == lines[0].y


def test_two_models_share_the_charts_by_version() -> None:
    pair = [Side(label=f"small {k}", found=found(k), point=POINT) for k in (1, 2)]
    made = {chart.name: chart for chart in charts(pair, EUR)}
    assert [line.tone for line in made["roc"].lines] == ["first", "second", "even"]
    assert made["roc"].lines[1].label.startswith("2: AUC ")
    assert [line.label for line in made["delay"].lines] == ["1", "2"]
    bare = [Side(label="as decided", found=found(with_probabilities=False), point=POINT)]
    assert "calibration" not in {chart.name for chart in charts(bare, EUR)}
