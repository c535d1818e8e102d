"""Which kernel answers for which kind of feature. Made by `make docs` from `kinds/table.py`: edit that."""

from __future__ import annotations

import numpy as np

from .kernels_compile import inlined, kernel
from .kernels_window import Window
from .kinds import (
    arithmetic,
    clean,
    count,
    delayed,
    distinct,
    extremes,
    gap,
    high_count,
    known,
    mean,
    movement,
    pair,
    pair_amounts,
    ratio,
    std,
    sum,
    z,
)


@inlined
def _evaluate_from_6(kind: int, w: Window) -> float:
    if kind == 6:  # count
        return count.count(w)
    if kind == 7:  # sum
        return sum.sum_minor(w)
    if kind == 8:  # mean
        return mean.mean(w)
    if kind == 9:  # std
        return std.std(w)
    if kind == 10:  # max
        return extremes.largest(w)
    if kind == 11:  # min
        return extremes.smallest(w)
    if kind == 12:  # gap
        return gap.gap(w)
    if kind == 13:  # ratio
        return ratio.ratio(w)
    if kind == 14:  # max_ratio
        return extremes.max_ratio(w)
    if kind == 15:  # z
        return z.z(w)
    if kind == 16:  # high_count
        return high_count.high_count(w)
    if kind == 17:  # distinct
        return distinct.distinct(w)
    if kind == 18:  # first_pair
        return pair.first_pair(w)
    if kind == 19:  # pair_count
        return pair.pair_count(w)
    if kind == 20:  # pair_age
        return pair.pair_age(w)
    if kind == 21:  # pair_gap
        return pair.pair_gap(w)
    if kind == 22:  # pair_sum
        return pair_amounts.pair_sum(w)
    if kind == 23:  # pair_mean
        return pair_amounts.pair_mean(w)
    if kind == 24:  # pair_ratio
        return pair_amounts.pair_ratio(w)
    if kind == 25:  # pair_z
        return pair_amounts.pair_z(w)
    return np.nan


@inlined
def _evaluate_from_26(kind: int, w: Window) -> float:
    if kind == 26:  # moved
        return movement.moved(w)
    if kind == 27:  # speed
        return movement.speed(w)
    if kind == 28:  # delayed_count
        return count.count(w)
    if kind == 29:  # delayed_frauds
        return delayed.delayed_frauds(w)
    if kind == 30:  # delayed_risk
        return delayed.delayed_risk(w)
    if kind == 31:  # fraud_run
        return known.fraud_run(w)
    if kind == 32:  # fraud_run_age
        return known.fraud_run_age(w)
    if kind == 33:  # since_genuine
        return known.since_genuine(w)
    if kind == 34:  # since_fraud
        return known.since_fraud(w)
    if kind == 35:  # clean_ratio
        return clean.clean_ratio(w)
    if kind == 36:  # clean_z
        return clean.clean_z(w)
    if kind == 37:  # activity_count
        return count.count(w)
    return np.nan


@inlined
def evaluate(kind: int, w: Window) -> float:
    """The value of a timeline feature over its window; NaN for a code that is no timeline kind."""
    if 6 <= kind <= 25:
        return _evaluate_from_6(kind, w)
    if 26 <= kind <= 37:
        return _evaluate_from_26(kind, w)
    return np.nan


@inlined
def gather(fold: int, w: Window) -> None:
    """Pass over the window once for all features that share what the fold holds."""
    if fold == 0:
        high_count.begin(w)
    if fold == 1:
        pair_amounts.amounts(w)
    if fold == 2:
        delayed.frauds(w)
    if fold == 3:
        known.known(w)
    if fold == 4:
        clean.clean(w)


@kernel
def combine(kind: int, left: float, right: float) -> float:
    """The value of an arithmetic feature of two others; NaN for a code that is none."""
    if kind == 38:  # share
        return arithmetic.quotient(left, right)
    if kind == 39:  # difference
        return arithmetic.difference(left, right)
    if kind == 40:  # total
        return arithmetic.total(left, right)
    if kind == 41:  # quotient
        return arithmetic.quotient(left, right)
    return np.nan
