"""Precision of the daily list of cards that an investigation team works through."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]


def card_precision_at_k(
    cards: NDArray[Any], days: Integers, labels: Labels, scores: Reals, k: int = 100
) -> float:
    """Mean over days of the share of true frauds among the ``k`` highest cards of the day.

    Cards (numbers or ids), day numbers, fraud labels and scores, all (n,). A card counts once a day: with its
    highest score, and as fraud if any of its rows of the day is. A fraud card in a day's list is found
    and left out of later days. The share is of ``k`` even where a day has fewer cards. Equal scores
    rank by card. NaN without rows. Raises ValueError for a NaN score or k < 1.

    Definition: Le Borgne et al., "Reproducible Machine Learning for Credit Card Fraud Detection -
    Practical Handbook", ULB and Worldline 2022, chapter 4 (Card Precision top-k).
    """
    if k < 1 or np.isnan(scores).any():
        raise ValueError("k must be at least 1 and every score a number")
    names, place = np.unique(cards, return_inverse=True)
    found = np.zeros(len(names), dtype=np.bool_)
    shares = []
    for day in np.unique(days):
        rows = (days == day) & ~found[place]
        top, fraud = _top_cards(place[rows], labels[rows], scores[rows], k)
        found[top[fraud]] = True
        shares.append(int(fraud.sum()) / k)
    return float(np.mean(shares)) if shares else float("nan")


def _top_cards(cards: Integers, labels: Labels, scores: Reals, k: int) -> tuple[Integers, Labels]:
    """The day's ``k`` highest cards, and which of them had a fraud."""
    names, place = np.unique(cards, return_inverse=True)
    highest = np.full(len(names), -np.inf)
    np.maximum.at(highest, place, scores)
    fraud = np.zeros(len(names), dtype=np.bool_)
    np.logical_or.at(fraud, place, labels)
    top = np.argsort(-highest, kind="stable")[:k]
    return names[top], fraud[top]
