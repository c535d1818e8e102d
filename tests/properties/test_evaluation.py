"""The metrics equal slow definitions and scikit-learn's, ties and all."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from shared.evaluation.cards import card_precision_at_k
from shared.evaluation.ranking import auc_roc, average_precision, threshold_at_false_positives
from shared.evaluation.splits import delayed_split

SCORE = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]) | st.floats(-5, 5)
ROWS = st.lists(st.tuples(st.booleans(), SCORE), min_size=2, max_size=60)
CARD_ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.booleans(), SCORE), min_size=1, max_size=60
)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS)
def test_ranking_metrics_equal_scikit_learn_and_counting(rows: list[tuple[bool, float]]) -> None:
    labels = np.array([True, False, *(row[0] for row in rows[2:])])
    scores = np.array([row[1] for row in rows])
    auc, precision = auc_roc(labels, scores), average_precision(labels, scores)
    assert auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert precision == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    pairs = [(f > g) + (f == g) / 2 for f in scores[labels] for g in scores[~labels]]
    assert auc == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    assert auc_roc(labels, scores[:]) + auc_roc(~labels, scores) == pytest.approx(1.0)


@given(rows=ROWS, rate=st.sampled_from([0.0, 0.01, 0.3, 0.5, 1.0]))
def test_a_threshold_lets_in_no_more_genuine_rows_than_told(
    rows: list[tuple[bool, float]], rate: float
) -> None:
    labels = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows])
    genuine = scores[~labels]
    good = [s for s in set(scores.tolist()) if sum(g >= s for g in genuine) <= rate * len(genuine)]
    assert threshold_at_false_positives(labels, scores, rate) == min(good, default=math.inf)


@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[bool, float]], seed: int) -> None:
    labels, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    mixed = np.random.default_rng(seed).permutation(len(rows))
    for metric in (auc_roc, average_precision):
        one, other = metric(labels, scores), metric(labels[mixed], scores[mixed])
        assert one == other or (math.isnan(one) and math.isnan(other))


def slow_card_precision(rows: list[tuple[int, int, bool, float]], k: int) -> float:
    found: set[int] = set()
    shares = []
    for day in sorted({row[1] for row in rows}):
        highest: dict[int, float] = defaultdict(lambda: -math.inf)
        fraud: dict[int, bool] = defaultdict(bool)
        for card, at, label, score in rows:
            if at == day and card not in found:
                highest[card] = max(highest[card], score)
                fraud[card] |= label
        top = sorted(highest, key=lambda card: (-highest[card], card))[:k]
        hits = {card for card in top if fraud[card]}
        found |= hits
        shares.append(len(hits) / k)
    return sum(shares) / len(shares)


@settings(max_examples=200, deadline=None)
@given(rows=CARD_ROWS, k=st.integers(1, 8))
def test_card_precision_equals_the_slow_definition(rows: list[tuple[int, int, bool, float]], k: int) -> None:
    cards, days, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    value = card_precision_at_k(cards, days, labels, scores, k)
    assert value == pytest.approx(slow_card_precision(rows, k), abs=1e-12)
    assert card_precision_at_k(cards.astype(str), days, labels, scores, k) == value


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 25), st.integers(0, 4), st.booleans()), min_size=1, max_size=80),
    train=st.integers(1, 6),
    delay=st.integers(0, 5),
    test=st.integers(1, 6),
)
def test_a_split_equals_the_published_procedure(
    rows: list[tuple[int, int, bool]], train: int, delay: int, test: int
) -> None:
    """Day by day: before each test day, the cards of one more day become known."""
    first = 3
    days, cards, labels = (np.array(column) for column in zip(*rows, strict=True))
    known = {card for day, card, fraud in rows if fraud and first <= day < first + train}
    expected = np.zeros(len(rows), dtype=np.bool_)
    for day in range(first + train + delay, first + train + delay + test):
        known |= {card for at, card, fraud in rows if fraud and first <= at and at == day - delay - 1}
        expected |= (days == day) & ~np.isin(cards, sorted(known))
    made = delayed_split(
        days, cards, labels, first_day=first, train_days=train, delay_days=delay, test_days=test
    )
    assert (made.test == expected).all()
    assert (made.train == ((days >= first) & (days < first + train))).all()
    assert not (made.train & made.test).any()
