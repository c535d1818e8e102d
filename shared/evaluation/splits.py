"""Splits in time that use only what was known: a gap for the label delay, known cards removed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Labels = NDArray[np.bool_]


class Split(NamedTuple):
    """Row masks (n,) of a training and a test set."""

    train: Labels
    test: Labels


def delayed_split(
    days: Integers,
    cards: NDArray[Any],
    labels: Labels,
    *,
    first_day: int,
    train_days: int,
    delay_days: int,
    test_days: int,
    window_days: int | None = None,
) -> Split:
    """Train on days [first, first + train), test ``test`` days after a gap of ``delay`` days.

    ``window_days`` trains on so many days that end on the same day instead; nothing else moves.

    Day numbers, cards (numbers or ids) and fraud labels, all (n,). On test day D a card is left out if it
    had a fraud on any day from ``first_day`` to D - delay - 1: those labels are known by D, and the card
    is blocked already. Raises ValueError for a length below 1 or a negative delay.

    Protocol: Le Borgne et al., "Reproducible Machine Learning for Credit Card Fraud Detection -
    Practical Handbook", ULB and Worldline 2022, chapter 5.
    """
    if min(train_days, test_days, 1 if window_days is None else window_days) < 1 or delay_days < 0:
        raise ValueError("train and test take at least one day, the delay none or more")
    end = first_day + train_days
    train = (days >= end - (train_days if window_days is None else window_days)) & (days < end)
    first_test_day = end + delay_days
    test = (days >= first_test_day) & (days < first_test_day + test_days)
    # Labels of 0 and 1 would choose rows instead of masking them.
    seen = labels.astype(np.bool_) & (days >= first_day)
    first_fraud = least_of_card(cards, np.where(seen, days, np.iinfo(np.int64).max))
    return Split(train, test & ~(first_fraud <= days - delay_days - 1))


def least_of_card(cards: NDArray[Any], values: Integers) -> Integers:
    """The least of ``values`` (n,) among the rows of each row's card (n,), (n,)."""
    names, place = np.unique(cards, return_inverse=True)
    least = np.full(len(names), np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(least, place, values)
    return least[place]
