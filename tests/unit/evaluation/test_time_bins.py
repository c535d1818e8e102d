"""Bins of times: each time in the bin whose edges hold it, quantiles within the stated error."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.time_bins import LAST, RELATIVE_ERROR, bins_of, edge, middle, quantile

TIMES = st.integers(-1_000, 2**30)


@given(TIMES)
def test_a_time_lies_between_the_edges_of_its_bin(time: int) -> None:
    number = int(bins_of([time])[0])
    assert edge(number) <= time
    assert number == LAST or time < edge(number + 1)


def test_edges_double_every_eight_bins_and_bins_are_bounded() -> None:
    assert [edge(1), edge(9), edge(17)] == [1.0, 2.0, 4.0]
    assert bins_of([0, 1, 2, 10**15]).tolist() == [0, 1, 9, LAST]
    assert edge(0) == -math.inf
    with pytest.raises(ValueError, match="no bin"):
        edge(LAST + 1)


@given(st.lists(st.integers(1, 900_000_000), min_size=1, max_size=200), st.floats(0.001, 1.0))
def test_a_quantile_is_within_the_stated_error_of_the_exact_one(times: list[int], share: float) -> None:
    exact = sorted(times)[math.ceil(share * len(times)) - 1]
    found = quantile(Counter(bins_of(times).tolist()), share)
    assert found is not None
    assert abs(found / exact - 1) <= RELATIVE_ERROR + 1e-12


def test_no_time_has_no_quantile_and_a_bin_is_told_by_its_middle() -> None:
    assert quantile({}, 0.99) is None
    assert quantile({0: 3}, 0.5) == 0.0
    assert middle(1) == pytest.approx(2 ** (1 / 16))
    with pytest.raises(ValueError, match="share"):
        quantile({1: 1}, 0.0)
