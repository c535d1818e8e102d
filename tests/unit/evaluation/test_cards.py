"""Golden values of the card precision."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.evaluation.cards import card_precision_at_k


def precision(rows: list[tuple[object, int, int, float]], k: int) -> float:
    """The metric of rows (card, day, fraud, score)."""
    cards, days, labels, scores = ([row[i] for row in rows] for i in range(4))
    return card_precision_at_k(
        np.array(cards),
        np.array(days),
        np.array(labels, dtype=np.bool_),
        np.array(scores, dtype=np.float64),
        k,
    )


def test_a_card_counts_once_a_day_by_its_highest_score_and_any_fraud() -> None:
    # Card 1's genuine row ranks it first, its other row makes it a fraud card.
    rows: list[tuple[object, int, int, float]] = [
        (1, 0, 0, 0.9),
        (1, 0, 1, 0.1),
        (2, 0, 0, 0.8),
        (3, 0, 1, 0.7),
    ]
    assert precision(rows, 1) == 1.0
    assert precision(rows, 2) == 0.5
    assert precision(rows, 3) == 2 / 3


def test_a_found_card_leaves_the_later_days_and_a_missed_one_stays() -> None:
    day = [(1, 1, 0.9), (2, 1, 0.5), (3, 0, 0.7)]
    rows: list[tuple[object, int, int, float]] = [(c, d, y, s) for d in (4, 5, 9) for c, y, s in day]
    # Day 4 finds card 1; day 5 lists card 3, not a fraud; day 9 the same.
    assert precision(rows, 1) == pytest.approx(1 / 3)
    # Two a day: 1 and 3, then 3 and 2, then 3 alone.
    assert precision(rows, 2) == pytest.approx((0.5 + 0.5 + 0.0) / 3)


def test_the_share_is_of_k_and_ties_rank_by_card() -> None:
    assert precision([(1, 0, 1, 0.5)], 100) == 0.01
    assert precision([("b", 0, 1, 0.5), ("a", 0, 0, 0.5)], 1) == 0.0
    assert precision([("b", 0, 0, 0.5), ("a", 0, 1, 0.5)], 1) == 1.0


def test_no_rows_and_bad_calls() -> None:
    assert math.isnan(precision([], 5))
    with pytest.raises(ValueError, match="k must"):
        precision([(1, 0, 1, 0.5)], 0)
    with pytest.raises(ValueError, match="score"):
        precision([(1, 0, 1, math.nan)], 1)
