"""Calibration never turns an order around, and a fitted table is always one that can be applied."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.models import CalibrationTable
from shared.scoring.calibration import Calibrator, fit_calibration

RAW = st.floats(-50, 50)
UNIT = st.floats(0, 1)


@settings(max_examples=200, deadline=None)
@given(
    points=st.lists(st.tuples(RAW, UNIT), min_size=1, max_size=8),
    scores=st.lists(RAW, min_size=1, max_size=40),
)
def test_a_higher_score_never_gets_a_lower_probability(
    points: list[tuple[float, float]], scores: list[float]
) -> None:
    x, y = sorted(p[0] for p in points), sorted(p[1] for p in points)
    calibrator = Calibrator(CalibrationTable(raw=x, probability=y))
    ordered = np.sort(np.array([*scores, *x, *np.nextafter(x, np.inf), *np.nextafter(x, -np.inf)]))
    result = calibrator.apply(ordered)
    assert (np.diff(result) >= 0).all()
    assert ((result >= y[0]) & (result <= y[-1])).all()
    singly = [float(calibrator.apply(ordered[i : i + 1])[0]) for i in range(len(ordered))]
    assert result.tolist() == singly


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.one_of(RAW, st.sampled_from([0.1, 0.2, 0.3])), st.booleans(), st.floats(0.01, 100)),
        min_size=2,
        max_size=200,
    ),
    bins=st.integers(1, 80),
)
def test_a_fitted_table_is_sound_small_and_deterministic(
    rows: list[tuple[float, bool, float]], bins: int
) -> None:
    raw = np.array([row[0] for row in rows])
    labels = np.array([True, False, *(row[1] for row in rows[2:])])
    weights = np.array([row[2] for row in rows])
    table = fit_calibration(raw, labels, weights, bins)
    assert 1 <= len(table.raw) <= 2 * bins
    assert raw.min() <= table.raw[0]
    assert table.raw[-1] <= raw.max()
    Calibrator(table)
    assert table == fit_calibration(raw, labels, weights, bins)
