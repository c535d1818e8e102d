"""Which kernel answers for which kind of feature: one line per kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_window import Window
from .kinds import codes
from .kinds.arithmetic import difference, quotient, total
from .kinds.count import count
from .kinds.delayed import delayed_frauds, delayed_risk
from .kinds.distinct import distinct
from .kinds.extremes import largest, smallest
from .kinds.gap import gap
from .kinds.max_ratio import max_ratio
from .kinds.mean import mean
from .kinds.pair import first_pair, pair_age, pair_count, pair_gap
from .kinds.ratio import ratio
from .kinds.std import std
from .kinds.sum import sum_minor
from .kinds.z import z


@kernel
def evaluate(kind: int, w: Window) -> float:
    """The value of a timeline feature over its window; NaN for a code that is no timeline kind."""
    if kind == codes.COUNT or kind == codes.DELAYED_COUNT or kind == codes.ACTIVITY_COUNT:
        return count(w)
    if kind == codes.MEAN:
        return mean(w)
    if kind == codes.DELAYED_RISK:
        return delayed_risk(w)
    if kind == codes.DELAYED_FRAUDS:
        return delayed_frauds(w)
    if kind == codes.SUM:
        return sum_minor(w)
    if kind == codes.RATIO:
        return ratio(w)
    if kind == codes.Z:
        return z(w)
    if kind == codes.STD:
        return std(w)
    if kind == codes.GAP:
        return gap(w)
    if kind == codes.MAX:
        return largest(w)
    if kind == codes.MIN:
        return smallest(w)
    if kind == codes.DISTINCT:
        return distinct(w)
    if kind == codes.FIRST_PAIR:
        return first_pair(w)
    if kind == codes.PAIR_COUNT:
        return pair_count(w)
    if kind == codes.PAIR_AGE:
        return pair_age(w)
    if kind == codes.PAIR_GAP:
        return pair_gap(w)
    if kind == codes.MAX_RATIO:
        return max_ratio(w)
    return np.nan


@kernel
def combine(kind: int, left: float, right: float) -> float:
    """The value of an arithmetic feature of two others."""
    if kind == codes.DIFFERENCE:
        return difference(left, right)
    if kind == codes.TOTAL:
        return total(left, right)
    return quotient(left, right)


@kernel
def settle(
    kinds: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    features: NDArray[np.int64],
    matrix: NDArray[np.float64],
) -> None:
    """Fill the arithmetic ``features`` of ``matrix`` (n, d) from the columns before them."""
    for i in range(len(matrix)):
        for k in range(len(features)):
            f = features[k]
            matrix[i, f] = combine(kinds[f], matrix[i, left[f]], matrix[i, right[f]])
