"""All thresholds at once equal the slow definitions at each, and scikit-learn where it has the metric."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from shared.evaluation.cards import DailyLists, card_precision_at_k, precision_at_k
from shared.evaluation.fraud_metrics import Costs, metrics_of
from shared.evaluation.payments import Payments, payments_of
from shared.evaluation.published import published
from shared.evaluation.ranking import auc_of_levels, average_precision_of_levels
from shared.evaluation.reliability import EQUAL_WIDTH, brier, calibration_error, reliability
from shared.evaluation.sweep import UNCAUGHT, Sweep
from shared.evaluation.triggers import Trigger
from tests.support import slow_metrics
from tests.support.slow_metrics import Event

SCORE = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1)
EVENT = st.builds(
    Event,
    account=st.integers(0, 5),
    at_ms=st.integers(0, 60),
    amount=st.integers(0, 500),
    score=SCORE,
    fraud=st.booleans() | st.just(value=False),
)
EVENTS = st.lists(EVENT, min_size=1, max_size=40)
TRIGGERS = st.sampled_from(["strict", "any_event", "every_event"])
CONTACT_MS = st.integers(1, 30)


def arrays(events: list[Event]) -> tuple[Payments, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    payments = payments_of(
        np.array([event.account for event in events]),
        np.array([event.at_ms for event in events]),
        np.array([event.amount for event in events]),
        np.array([event.fraud for event in events]),
    )
    return payments, payments.scores(np.array([event.score for event in events]))


@settings(max_examples=300, deadline=None)
@given(events=EVENTS, trigger=TRIGGERS, contact_ms=CONTACT_MS, delay_ms=st.integers(0, 70))
def test_every_threshold_equals_the_slow_definition(
    events: list[Event], trigger: Trigger, contact_ms: int, delay_ms: int
) -> None:
    sweep = Sweep(*arrays(events), trigger, contact_ms, (delay_ms,))
    costs = Costs(contact_minor=7, margin_ppm=30_000)
    curves = metrics_of(sweep.curves(), sweep.totals(), costs)
    assert sweep.thresholds.tolist() == sorted({event.score for event in events}, reverse=True)
    for place in range(UNCAUGHT, len(sweep.thresholds)):
        threshold = 2.0 if place == UNCAUGHT else float(sweep.thresholds[place])
        slow = slow_metrics.metrics(events, threshold, trigger, contact_ms, delay_ms, (7, 30_000))
        alone = metrics_of(sweep.at(place), sweep.totals(), costs)
        assert sweep.place_of(threshold) == place
        assert alone.keys() == slow.keys()
        for name, value in slow.items():
            assert alone[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name
            if place != UNCAUGHT:
                assert curves[name][place] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=200, deadline=None)
@given(events=EVENTS, trigger=TRIGGERS, contact_ms=CONTACT_MS, limit=st.floats(0, 2))
def test_the_operating_point_has_the_most_within_the_limit(
    events: list[Event], trigger: Trigger, contact_ms: int, limit: float
) -> None:
    sweep = Sweep(*arrays(events), trigger, contact_ms)
    tried = [
        slow_metrics.metrics(events, threshold, trigger, contact_ms, 0) for threshold in sweep.thresholds
    ]
    within = [found for found in tried if found["afpr_ratio"] <= limit]
    place = sweep.within(limit)
    if not within:
        assert place == UNCAUGHT
        return
    chosen = tried[place]
    assert chosen["afpr_ratio"] <= limit
    for name in ("adr_ratio", "vdr_ratio"):
        best = max(found[name] for found in within)
        assert chosen[name] == pytest.approx(best, nan_ok=True)
    alike = [i for i, found in enumerate(tried) if found in within and same(found, chosen)]
    assert place == min(alike)


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return all(str(one[name]) == str(other[name]) for name in ("adr_ratio", "vdr_ratio"))


@settings(max_examples=150, deadline=None)
@given(
    events=EVENTS,
    trigger=TRIGGERS,
    contact_ms=CONTACT_MS,
    weights=st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_an_account_of_weight_w_counts_as_w_accounts(
    events: list[Event], trigger: Trigger, contact_ms: int, weights: list[int]
) -> None:
    names = sorted({event.account for event in events})
    copies = [
        Event(event.account * 10 + copy, event.at_ms, event.amount, event.score, event.fraud)
        for event in events
        for copy in range(weights[event.account])
    ]
    if not copies:
        return
    own = np.array([weights[name] for name in names])
    sweep, copied = Sweep(*arrays(events), trigger, contact_ms), Sweep(*arrays(copies), trigger, contact_ms)
    one = metrics_of(sweep.curves(own), sweep.totals(own), Costs())
    other = metrics_of(copied.curves(), copied.totals(), Costs())
    for place, threshold in enumerate(copied.thresholds):
        for name in one:
            here = one[name][sweep.place_of(threshold)]
            assert here == pytest.approx(other[name][place], nan_ok=True), name
    limit = sweep.within(0.5, own)
    found = sweep.thresholds[limit] if limit != UNCAUGHT else None
    there = copied.within(0.5)
    assert found == (copied.thresholds[there] if there != UNCAUGHT else None)
    assert auc_of_levels(*sweep.rows_by_level(own)) == pytest.approx(
        auc_of_levels(*copied.rows_by_level()), nan_ok=True
    )


@settings(max_examples=150, deadline=None)
@given(events=EVENTS)
def test_figures_of_payments_equal_scikit_learn(events: list[Event]) -> None:
    labels = np.array([event.fraud for event in events])
    scores = np.array([event.score for event in events])
    sweep = Sweep(*arrays(events))
    found = metrics_of(sweep.curves(), sweep.totals(), Costs())
    for place, threshold in enumerate(sweep.thresholds):
        flagged = scores >= threshold
        assert found["precision_ratio"][place] == pytest.approx(precision_score(labels, flagged))
        if labels.any():
            assert found["tdr_ratio"][place] == pytest.approx(recall_score(labels, flagged))
            assert found["f1_ratio"][place] == pytest.approx(f1_score(labels, flagged))
    levels = sweep.rows_by_level()
    if labels.any() and not labels.all():
        assert auc_of_levels(*levels) == pytest.approx(roc_auc_score(labels, scores))
        assert average_precision_of_levels(*levels) == pytest.approx(average_precision_score(labels, scores))
        assert brier(labels, scores) == pytest.approx(brier_score_loss(labels, scores))
        observed, predicted = calibration_curve(labels, scores, n_bins=10)
        curve = reliability(labels, scores)
        assert len(curve.rows) == len(predicted)
        edges = np.isin(scores, EQUAL_WIDTH)
        if not edges.any():  # which of two bins an edge belongs to is a convention
            assert curve.predicted == pytest.approx(predicted)
            assert curve.observed == pytest.approx(observed)


@given(events=EVENTS)
def test_the_calibration_error_equals_the_slow_definition(events: list[Event]) -> None:
    labels = np.array([event.fraud for event in events])
    scores = np.array([event.score for event in events])
    expected = 0.0
    for low, high in pairwise(EQUAL_WIDTH):
        own = [e for e in events if low < e.score <= high or (low == 0.0 and e.score == 0.0)]
        if own:
            gap = sum(e.score for e in own) - sum(e.fraud for e in own)
            expected += abs(gap) / len(events)
    assert calibration_error(labels, scores) == pytest.approx(expected)
    weights = np.full(len(events), 2.5)
    assert calibration_error(labels, scores, weights=weights) == pytest.approx(expected)
    assert brier(labels, scores, weights) == pytest.approx(brier(labels, scores))


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, contact_ms=CONTACT_MS, unit=st.sampled_from([1, 100]))
def test_the_published_function_is_reproduced_with_its_defects(
    events: list[Event], contact_ms: int, unit: int
) -> None:
    found = published(*arrays(events), contact_ms=contact_ms, unit_minor=unit)
    slow = slow_metrics.published(events, contact_ms, unit)
    for name, values in slow.items():
        assert getattr(found, name)[::-1] == pytest.approx(values, nan_ok=True), name


@settings(max_examples=150, deadline=None)
@given(events=EVENTS, k=st.integers(1, 6), weights=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_lists_of_cards_drawn_several_times_hold_each_copy(
    events: list[Event], k: int, weights: list[int]
) -> None:
    cards = np.array([event.account for event in events])
    days = np.array([event.at_ms // 20 for event in events])
    labels = np.array([event.fraud for event in events])
    scores = np.array([event.score for event in events])
    lists = DailyLists(cards, days, labels, scores, drop_found=True)
    own = np.array(weights)[: cards.max() + 1]
    row = np.repeat(np.arange(len(events)), own[cards])
    copy = np.concatenate([np.arange(own[card]) for card in cards])
    if set(days[row].tolist()) == set(days.tolist()):
        expected = card_precision_at_k(cards[row] * 10 + copy, days[row], labels[row], scores[row], k)
        assert lists.precision(k, own) == pytest.approx(expected)


@given(events=EVENTS, k=st.integers(1, 6))
def test_precision_of_the_daily_list_of_payments(events: list[Event], k: int) -> None:
    days = np.array([event.at_ms // 20 for event in events])
    labels = np.array([event.fraud for event in events])
    scores = np.array([event.score for event in events])
    shares = []
    for day in np.unique(days):
        own = [event for event in events if event.at_ms // 20 == day]
        top = sorted(own, key=lambda event: -event.score)[:k]
        shares.append(sum(event.fraud for event in top) / k)
    assert precision_at_k(days, labels, scores, k) == pytest.approx(np.mean(shares))
