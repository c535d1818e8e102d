"""Precision of the daily list that an investigation team works through, of payments or of cards."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .payments import Numbers

Labels = NDArray[np.bool_]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]


def precision_at_k(days: Integers, labels: Labels, scores: Reals, k: int = 100) -> float:
    """Mean over days of the share of true frauds among the ``k`` highest payments of the day.

    Day numbers, fraud labels and scores, all (n,). The share is of ``k`` even where a day has fewer. Equal
    scores rank in the order given. NaN without rows. Raises ValueError for a NaN score or k < 1.
    """
    return DailyLists(np.arange(len(days), dtype=np.int64), days, labels, scores, drop_found=False).precision(
        k
    )


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
    place = np.unique(cards, return_inverse=True)[1].astype(np.int64)
    return DailyLists(place, days, labels, scores, drop_found=True).precision(k)


class DailyLists:
    """Each day's candidates from the highest score down, to be cut at any k and under any weights.

    ``members`` (n,) numbers from 0: rows of one member and day are one candidate, with their highest score
    and as fraud if any is. ``drop_found``: a fraud once listed is left out of later days. Raises ValueError
    for a NaN score.
    """

    def __init__(
        self, members: Integers, days: Integers, labels: Labels, scores: Reals, *, drop_found: bool
    ) -> None:
        if np.isnan(scores).any():
            raise ValueError("every score must be a number")
        self._drop_found = drop_found
        self._members = int(members.max(initial=-1)) + 1
        order = np.lexsort((-scores, members, days))
        day, member = days[order], members[order]
        changes = (day[1:] != day[:-1]) | (member[1:] != member[:-1])
        first = np.flatnonzero(np.append(True, changes)[: len(order)])
        fraud = np.logical_or.reduceat(labels[order].astype(np.bool_), first) if len(first) else labels
        ranked = np.lexsort((member[first], -scores[order][first], day[first]))
        self._day, self._member = day[first][ranked], member[first][ranked]
        self._fraud = fraud[ranked]

    def precision(self, k: int, weights: Numbers | None = None) -> float:
        """Mean share of frauds in the first ``k``. ``weights`` (members,): how often each one stands there.

        Raises ValueError for k < 1.
        """
        if k < 1:
            raise ValueError("k must be at least 1")
        alive = np.ones(self._members, np.int64) if weights is None else weights.copy()
        ends = np.flatnonzero(np.append(self._day[1:] != self._day[:-1], True)[: len(self._day)]) + 1
        shares = [
            self._day_hits(start, end, k, alive) / k
            for start, end in zip([0, *ends.tolist()], ends.tolist(), strict=False)
        ]
        return float(np.mean(shares)) if shares else float("nan")

    def _day_hits(self, start: int, end: int, k: int, alive: Numbers) -> float:
        """Frauds among the day's first ``k``; with found ones dropped they leave ``alive`` (members,)."""
        member, fraud = self._member[start:end], self._fraud[start:end]
        copies = alive[member]
        listed = np.clip(k - (np.cumsum(copies) - copies), 0, copies)[fraud]
        if self._drop_found:
            alive[member[fraud]] -= listed
        return float(listed.sum())
