"""Golden values of the ranking metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.evaluation.ranking import auc_roc, average_precision


def both(labels: list[int], scores: list[float]) -> tuple[float, float]:
    truth, given = np.array(labels, dtype=np.bool_), np.array(scores, dtype=np.float64)
    return auc_roc(truth, given), average_precision(truth, given)


def test_golden() -> None:
    # Fraud first, genuine second, fraud third, genuine fourth: three of four pairs in order.
    assert both([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]) == (0.75, (1 + 2 / 3) / 2)
    assert both([0, 1], [0.1, 0.9]) == (1.0, 1.0)
    assert both([1, 0], [0.1, 0.9]) == (0.0, 0.5)


def test_equal_scores_count_half_and_enter_together() -> None:
    assert both([1, 0, 0, 0], [0.5] * 4) == (0.5, 0.25)
    assert both([1, 0, 1, 0], [0.9, 0.9, 0.1, 0.1]) == (0.5, 0.5)


def test_infinite_scores_are_scores() -> None:
    assert both([1, 0], [math.inf, -math.inf]) == (1.0, 1.0)


def test_without_one_kind_of_row_there_is_no_value() -> None:
    assert [math.isnan(value) for value in both([0, 0], [0.1, 0.2])] == [True, True]
    assert math.isnan(both([1, 1], [0.1, 0.2])[0])
    assert both([1, 1], [0.1, 0.2])[1] == 1.0
    assert [math.isnan(value) for value in both([], [])] == [True, True]


@pytest.mark.parametrize(("labels", "scores"), [([1, 0], [0.1]), ([1], [math.nan])])
def test_what_cannot_be_ranked_is_refused(labels: list[int], scores: list[float]) -> None:
    for metric in (auc_roc, average_precision):
        with pytest.raises(ValueError, match="score"):
            metric(np.array(labels, dtype=np.bool_), np.array(scores))
