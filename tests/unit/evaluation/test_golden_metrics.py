"""The definitions' golden cases, and those of the published function beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.evaluation.fraud_metrics import Costs, Sampling, metrics_of
from shared.evaluation.payments import Payments, payments_of
from shared.evaluation.published import Published, published
from shared.evaluation.sweep import DAY_MS, Sweep
from shared.evaluation.triggers import Trigger

Row = tuple[str, float, int, float, int]
"""Account, day, amount in units, score, fraud."""

GENUINE: Row = ("a", 0, 10, 0.1, 0)


def house(rows: list[Row]) -> tuple[Payments, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Payments and scores of rows."""
    account, day, amount, score, fraud = (np.array(column) for column in zip(*rows, strict=True))
    payments = payments_of(account, (day * DAY_MS).astype(np.int64), amount * 100, fraud.astype(np.bool_))
    return payments, payments.scores(score)


def at(
    rows: list[Row],
    threshold: float,
    trigger: Trigger = "strict",
    delays_ms: tuple[int, ...] = (),
    costs: Costs | None = None,
    sampling: Sampling | None = None,
    contact_days: int = 30,
) -> dict[str, float]:
    """The metrics of rows at a threshold."""
    payments, scores = house(rows)
    sweep = Sweep(payments, scores, trigger, contact_days * DAY_MS, delays_ms)
    weights = (sampling or Sampling()).weights(payments)
    counts = sweep.at(sweep.place_of(threshold), weights)
    found = metrics_of(counts, sweep.totals(weights), costs or Costs())
    return {name: float(value) for name, value in found.items()}


def reference(rows: list[Row], sampling: Sampling | None = None) -> Published:
    """The published function's figures of rows."""
    return published(*house(rows), sampling=sampling)


def test_a_fraud_account_that_comes_last_by_name_is_counted() -> None:
    rows: list[Row] = [GENUINE, ("b", 0, 10, 0.9, 1), ("z", 0, 10, 0.9, 1)]
    assert at(rows, 0.9)["adr_ratio"] == 1.0
    only_last: list[Row] = [GENUINE, ("b", 0, 10, 0.2, 1), ("z", 0, 10, 0.9, 1)]
    assert at(only_last, 0.9)["adr_ratio"] == 0.5
    assert reference(only_last).at(0.9)["adr_ratio"] == 0.0


def test_value_detected_in_real_time_and_from_the_next_payment_on() -> None:
    rows: list[Row] = [("a", 0, 100, 0.9, 1), ("a", 1, 300, 0.9, 1), ("z", 0, 10, 0.1, 0)]
    found = at(rows, 0.9)
    assert (found["vdr_ratio"], found["vdr_next_ratio"]) == (1.0, 0.75)
    assert reference(rows).at(0.9)["vdr_ratio"] == 0.7525


def test_only_a_fraud_notices_an_account_in_the_strict_form() -> None:
    rows: list[Row] = [("a", 0, 5, 0.95, 0), ("a", 1, 5, 0.30, 1), ("z", 0, 10, 0.1, 0)]
    assert at(rows, 0.9)["adr_ratio"] == 0.0
    assert at(rows, 0.9, "any_event")["adr_ratio"] == 0.0  # before the first reported fraud
    assert at(rows, 0.9, "every_event")["adr_ratio"] == 1.0
    assert reference(rows).at(0.9)["adr_ratio"] == 1.0


def test_an_event_between_two_frauds_notices_where_any_event_may() -> None:
    rows: list[Row] = [("a", 0, 5, 0.3, 1), ("a", 1, 5, 0.95, 0), ("a", 2, 15, 0.3, 1)]
    assert at(rows, 0.9)["adr_ratio"] == 0.0
    found = at(rows, 0.9, "any_event")
    assert (found["adr_ratio"], found["vdr_ratio"]) == (1.0, 0.75)


def test_sampling_leaves_shares_of_frauds_and_corrects_what_mixes_accounts() -> None:
    rows: list[Row] = [("a", 0, 5, 0.9, 1), ("b", 0, 5, 0.9, 0), ("c", 0, 5, 0.9, 0), ("z", 0, 5, 0.1, 0)]
    half = Sampling(fraud_ratio=0.5)
    plain, sampled = at(rows, 0.9), at(rows, 0.9, sampling=half)
    assert (plain["adr_ratio"], sampled["adr_ratio"]) == (1.0, 1.0)
    assert reference(rows, half).at(0.9)["adr_ratio"] == 2.0
    both = at(rows, 0.9, sampling=Sampling(fraud_ratio=0.5, genuine_ratio=0.1))
    assert both["afpr_ratio"] == pytest.approx(plain["afpr_ratio"] * 0.5 / 0.1)
    assert both["false_positive_rate_ratio"] == plain["false_positive_rate_ratio"]


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_sampling_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        Sampling(genuine_ratio=rate).weights(house([GENUINE])[0])


def test_contacts_begin_anew_after_the_contact_period() -> None:
    rows: list[Row] = [("a", day, 1, 0.9, 0) for day in (0, 29, 30, 59, 60.5)]
    rows += [("b", 0, 1, 0.95, 1)]
    assert at(rows, 0.9)["contacts"] == 3
    assert at(rows, 0.9)["afpr_ratio"] == 3.0
    assert at(rows, 0.9, contact_days=100)["contacts"] == 1
    assert at(rows, 0.95)["contacts"] == 0


def test_a_slow_reaction_saves_less() -> None:
    rows: list[Row] = [("a", 0, 100, 0.9, 1), ("a", 1, 300, 0.1, 1), ("a", 3, 600, 0.1, 1)]
    delays = (DAY_MS, DAY_MS + 1, 3 * DAY_MS, 4 * DAY_MS)
    found = at(rows, 0.9, delays_ms=delays)
    assert [found[f"vdr_after_{d}_ms_ratio"] for d in delays] == [0.9, 0.6, 0.6, 0.0]


def test_the_other_metrics_of_a_threshold() -> None:
    rows: list[Row] = [
        ("a", 0, 100, 0.9, 1),
        ("b", 0, 300, 0.2, 1),
        ("c", 0, 50, 0.9, 0),
        ("d", 0, 70, 0.1, 0),
        ("d", 1, 70, 0.1, 0),
    ]
    found = at(rows, 0.5, costs=Costs(contact_minor=500, margin_ppm=20_000))
    assert found["adr_ratio"] == 0.5
    assert found["vdr_ratio"] == 0.25
    assert found["review_ratio"] == 0.5
    assert found["case_multiplier"] == (1.0 + 1.0) * 0.5
    assert found["tdr_ratio"] == 0.5
    assert found["false_positive_rate_ratio"] == pytest.approx(1 / 3)
    assert found["false_positives_per_fraud_ratio"] == 1.0
    assert (found["precision_ratio"], found["f1_ratio"]) == (0.5, 0.5)
    assert found["net_saving_minor"] == 10_000 - 500 - 100


def test_what_divides_by_nothing_is_not_a_number() -> None:
    found = at([GENUINE], 0.05)
    assert all(math.isnan(found[name]) for name in ("adr_ratio", "afpr_ratio", "vdr_ratio", "tdr_ratio"))
    assert found["contacts"] == 1


def test_an_account_reported_elsewhere_is_not_genuine() -> None:
    payments = payments_of(
        np.array(["a", "b"]),
        np.zeros(2, np.int64),
        np.array([1, 1]),
        np.zeros(2, np.bool_),
        np.array([True, False]),
    )
    assert payments.genuine_account.tolist() == [False, True]
    assert not payments.fraud_account.any()


def test_the_operating_point_is_the_best_within_the_limit_and_disturbs_nobody_for_nothing() -> None:
    rows: list[Row] = [
        ("a", 0, 1, 0.9, 1),
        ("b", 0, 1, 0.8, 1),
        ("c", 0, 1, 0.7, 0),
        ("d", 0, 1, 0.6, 1),
        ("e", 0, 1, 0.5, 1),
        ("f", 0, 1, 0.4, 0),
    ]
    sweep = Sweep(*house(rows))
    assert sweep.thresholds[sweep.within(0.25)] == 0.5
    assert sweep.thresholds[sweep.within(0.2)] == 0.8
    assert sweep.thresholds[sweep.within(0.5)] == 0.5  # 0.4 would disturb f and catch nobody
    assert Sweep(*house([GENUINE])).within(1.0) == -1


def test_bad_calls() -> None:
    payments, scores = house([GENUINE])
    with pytest.raises(ValueError, match="a score is needed"):
        Sweep(payments, scores * np.nan)
    with pytest.raises(ValueError, match="contact period"):
        Sweep(payments, scores, contact_ms=0)
    with pytest.raises(ValueError, match="and numbers"):
        payments.scores(np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="one length"):
        payments_of(np.array(["a"]), np.array([1, 2]), np.array([1]), np.array([True]))
    with pytest.raises(ValueError, match="whole minor units"):
        payments_of(np.array(["a"]), np.array([1]), np.array([1.0]), np.array([True]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        published(payments, scores + 1)
