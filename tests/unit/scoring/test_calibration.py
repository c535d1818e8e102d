"""The calibration table: what it gives, what it refuses, what fitting promises."""

from __future__ import annotations

import numpy as np
import pytest

from shared.contracts.models import CalibrationTable
from shared.scoring.calibration import Calibrator, fit_calibration


def table(raw: list[float], probability: list[float]) -> CalibrationTable:
    return CalibrationTable(raw=raw, probability=probability)


def apply(given: CalibrationTable, *raw: float) -> list[float]:
    result: list[float] = Calibrator(given).apply(np.array(raw)).tolist()
    return result


def test_lines_between_points_and_end_values_outside() -> None:
    given = table([-1.0, 1.0, 3.0], [0.0, 0.5, 0.75])
    assert apply(given, -9.0, -1.0, 0.0, 1.0, 2.0, 3.0, 1e300) == [0.0, 0.0, 0.25, 0.5, 0.625, 0.75, 0.75]


def test_a_step_takes_its_upper_value_and_one_point_is_a_constant() -> None:
    assert apply(table([0.0, 0.0, 1.0], [0.1, 0.2, 0.2]), -1.0, 0.0, 0.5) == [0.1, 0.2, 0.2]
    assert apply(table([2.0], [0.3]), 1.0, 2.0, 3.0) == [0.3] * 3
    assert apply(table([0.0, 1.0, 1.0], [0.0, 0.1, 0.9]), 1.0, 2.0) == [0.9, 0.9]


@pytest.mark.parametrize(
    ("raw", "probability"),
    [
        ([], []),
        ([0.0], []),
        ([1.0, 0.0], [0.1, 0.2]),
        ([0.0, 1.0], [0.2, 0.1]),
        ([0.0, 1.0], [-0.1, 0.1]),
        ([0.0, 1.0], [0.1, 1.1]),
        ([0.0, float("nan")], [0.1, 0.2]),
        ([0.0, float("inf")], [0.1, 0.2]),
        ([-1.7e308, 1.7e308], [0.1, 0.2]),
        ([0.0, 1.0], [0.1, float("nan")]),
    ],
)
def test_a_bad_table_is_refused(raw: list[float], probability: list[float]) -> None:
    with pytest.raises(ValueError, match="calibration table"):
        Calibrator(table(raw, probability))


def test_fitting_finds_the_rates_of_two_groups() -> None:
    raw = np.repeat([-2.0, 1.0], 1000)
    labels = np.zeros(2000, dtype=np.bool_)
    labels[:10] = labels[1000:1400] = True
    fitted = fit_calibration(raw, labels, np.ones(2000))
    assert fitted.raw == [-2.0, 1.0]
    assert fitted.probability == pytest.approx([0.01, 0.4], abs=1e-3)


def test_weights_undo_the_sampling_of_genuine_rows() -> None:
    raw = np.zeros(300)
    labels = np.arange(300) < 100
    fitted = fit_calibration(raw, labels, np.where(labels, 1.0, 10.0))
    assert fitted.probability == pytest.approx([100 / 2100])


def test_an_inverted_score_pools_to_one_rate() -> None:
    raw = np.arange(400.0)
    labels = raw < 100
    fitted = fit_calibration(raw, labels, np.ones(400))
    assert len(fitted.raw) == 2
    assert fitted.probability == pytest.approx([0.25, 0.25])


def test_fitted_probabilities_are_honest_and_sharp_where_frauds_are() -> None:
    generator = np.random.default_rng(4)
    raw = generator.normal(-6, 2, size=200_000)
    truth = 1 / (1 + np.exp(-raw))
    labels = generator.random(len(raw)) < truth
    fitted = Calibrator(fit_calibration(raw, labels, np.ones(len(raw))))
    score = fitted.apply(raw)
    assert score.mean() == pytest.approx(labels.mean(), rel=0.02)
    for low, high in ((0.0, 0.01), (0.01, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.0)):
        rows = (score >= low) & (score < high)
        assert score[rows].mean() == pytest.approx(labels[rows].mean(), rel=0.15)


@pytest.mark.parametrize("labels", [np.zeros(5, dtype=np.bool_), np.ones(5, dtype=np.bool_)])
def test_fitting_needs_both_kinds_of_rows(labels: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
    with pytest.raises(ValueError, match="frauds and genuine"):
        fit_calibration(np.arange(5.0), labels, np.ones(5))


@pytest.mark.parametrize(
    ("raw", "weight"), [(float("nan"), 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, float("inf"))]
)
def test_fitting_refuses_bad_numbers(raw: float, weight: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        fit_calibration(np.array([raw, 1.0]), np.array([True, False]), np.array([weight, 1.0]))
