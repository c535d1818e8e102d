"""Sums over all thresholds at once: a sum changes only at scores, so it is kept as its steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .payments import Integers, Numbers


class Levels(NamedTuple):
    """The distinct scores of n rows: ``thresholds`` (k,) descending, ``place`` (n,) each row's among them."""

    thresholds: Numbers
    place: Integers


class Steps(NamedTuple):
    """m steps of a sum: from threshold number ``place`` on, ``account`` adds ``value`` to it.

    Sorted by place; all (m,).
    """

    place: Integers
    account: Integers
    value: Integers


def levels_of(scores: Numbers) -> Levels:
    """The levels of ``scores`` (n,), none of them NaN."""
    negated, place = np.unique(-scores, return_inverse=True)
    return Levels(-negated, place.astype(np.int64))


def steps_of(place: Integers, account: Integers, value: Integers) -> Steps:
    """Steps in their order."""
    order = np.argsort(place, kind="stable")
    return Steps(place[order], account[order], value[order])


def curve(steps: Steps, length: int, weights: Numbers | None = None) -> Numbers:
    """The sum at each of ``length`` thresholds, each account times its weight (A,); exact without weights."""
    values = steps.value if weights is None else steps.value * weights[steps.account]
    sums = np.zeros(length, values.dtype)
    np.add.at(sums, steps.place, values)
    return np.cumsum(sums)


def until(steps: Steps, place: int, weights: Numbers | None = None) -> Numbers:
    """The sum at threshold number ``place``; 0 for -1, where no score reaches."""
    count = int(np.searchsorted(steps.place, place, side="right"))
    values = steps.value[:count]
    return np.asarray(values.sum() if weights is None else (values * weights[steps.account[:count]]).sum())
