"""Drift from bins, against the plain definitions on the values themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.drift import SAMPLE_FLOOR, SHARE_FLOOR, Reals, drift_of, ks, psi, reference_of

VALUES = st.lists(st.sampled_from([math.nan, -1.0, 0.0, 0.5, 1.0, 2.0, 7.5]), min_size=1, max_size=60)


def slow_bins(edges: list[float], values: list[float]) -> list[int]:
    found = [0] * (len(edges) + 2)
    for value in values:
        found[-1 if math.isnan(value) else sum(edge <= value for edge in edges)] += 1
    return found


def slow_psi(expected: list[float], found: list[float]) -> float:
    pairs = [(max(e, SHARE_FLOOR), max(f, SHARE_FLOOR)) for e, f in zip(expected, found, strict=True)]
    return sum((f - e) * math.log(f / e) for e, f in pairs)


def exact_ks(one: list[float], other: list[float]) -> float:
    def below(values: list[float], at: float) -> float:
        return sum(value <= at for value in values) / len(values)

    return max(abs(below(one, at) - below(other, at)) for at in {*one, *other})


def many(values: list[float]) -> Reals:
    return np.resize(np.array(values), SAMPLE_FLOOR)


@given(VALUES, VALUES)
def test_shares_and_psi_equal_the_plain_definition(train: list[float], window: list[float]) -> None:
    reference = reference_of("x", np.array(train))
    assert reference.shares == pytest.approx([n / len(train) for n in slow_bins(reference.edges, train)])
    found = drift_of(reference, many(window))
    shares = [n / SAMPLE_FLOOR for n in slow_bins(reference.edges, many(window).tolist())]
    assert found.psi == pytest.approx(slow_psi(reference.shares, shares))
    assert found.missing_ratio == shares[-1]


@given(VALUES, VALUES)
def test_ks_is_at_most_that_of_the_values(train: list[float], window: list[float]) -> None:
    found = drift_of(reference_of("x", np.array(train)), many(window)).ks
    here = [v for v in many(window).tolist() if not math.isnan(v)]
    there = [v for v in train if not math.isnan(v)]
    if not (here and there):
        assert found is None
        return
    assert found is not None
    assert found <= exact_ks(there, here) + 1e-12


@given(VALUES)
def test_the_same_values_have_no_drift(values: list[float]) -> None:
    train = np.tile(np.array(values), SAMPLE_FLOOR)
    found = drift_of(reference_of("x", train), train)
    assert found.psi == 0
    assert found.ks is None or found.ks == pytest.approx(0, abs=1e-12)


def test_ten_bins_of_equal_frequency_and_a_shift_that_shows() -> None:
    chance = np.random.default_rng(1)
    train = chance.normal(size=20_000)
    reference = reference_of("x", train)
    assert reference.shares == pytest.approx([0.1] * 10 + [0.0], abs=1e-3)
    calm = drift_of(reference, chance.normal(size=2_000))
    moved = drift_of(reference, chance.normal(1.0, size=2_000))
    assert calm.psi is not None
    assert moved.psi is not None
    assert calm.psi < 0.03 < 0.25 < moved.psi
    assert moved.ks == pytest.approx(0.38, abs=0.03)


def test_below_the_floor_nothing_is_said() -> None:
    found = drift_of(reference_of("x", np.array([1.0])), np.ones(SAMPLE_FLOOR - 1))
    assert (found.sample, found.psi, found.ks, found.missing_ratio) == (SAMPLE_FLOOR - 1, None, None, None)


def test_a_value_that_goes_missing_is_drift() -> None:
    train = np.arange(1_000.0)
    window = np.where(train % 2 == 0, np.nan, train)
    found = drift_of(reference_of("x", train), window)
    assert found.psi is not None
    assert found.psi > 0.25
    assert (found.missing_ratio, found.reference_missing_ratio) == (0.5, 0.0)


def test_no_rows_make_no_reference_and_no_weights_no_distance() -> None:
    with pytest.raises(ValueError, match="no rows"):
        reference_of("x", np.array([]))
    assert ks(np.zeros(2), np.ones(2)) is None
    assert psi(np.array([1.0]), np.array([1.0])) == 0
