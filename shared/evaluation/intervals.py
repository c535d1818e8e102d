"""How sure a metric is: bootstrap over accounts, because rows of one account are not independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Statistic = Callable[[Integers, Integers], float]
"""(row numbers of a sample, the drawn account of each of them) -> value; NaN where undefined."""
Weighted = Callable[[Integers], Mapping[str, float]]
"""How often each account was drawn (A,) -> values by name; NaN where undefined."""


class Interval(NamedTuple):
    """Bounds of the middle ``level`` of the bootstrap values; ``samples`` of them were defined."""

    low: float
    high: float
    samples: int


def account_interval(
    statistic: Statistic,
    accounts: NDArray[Any],
    generator: np.random.Generator,
    samples: int = 200,
    level: float = 0.95,
) -> Interval:
    """The percentile interval of ``statistic`` over ``samples`` draws of accounts with replacement.

    ``accounts`` (n,) names each row's account. An account drawn twice counts as two accounts, so the
    statistic gets their numbers anew (0 .. drawn - 1) beside the rows. Samples where the statistic is
    NaN are left out; without any, the bounds are NaN. Raises ValueError without rows, for fewer than
    one sample or a level outside (0, 1).

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 1979.
    """
    if len(accounts) == 0 or samples < 1 or not 0.0 < level < 1.0:
        raise ValueError("needs rows, at least one sample and a level between 0 and 1")
    names, place = np.unique(accounts, return_inverse=True)
    order = np.argsort(place, kind="stable").astype(np.int64)
    sizes = np.bincount(place, minlength=len(names))
    starts = np.cumsum(sizes) - sizes
    values = np.array([_sample(statistic, order, starts, sizes, generator) for _ in range(samples)])
    return _middle(values, level)


def weighted_intervals(
    statistic: Weighted,
    accounts: int,
    generator: np.random.Generator,
    samples: int = 200,
    level: float = 0.95,
) -> dict[str, Interval]:
    """`account_interval` of many values at once, for a statistic that takes weights instead of rows.

    Every value of a draw is of the same accounts, so a difference of two models among the values has the
    interval of a paired comparison. Raises ValueError without accounts, for fewer than one sample or a level
    outside (0, 1).
    """
    if accounts < 1 or samples < 1 or not 0.0 < level < 1.0:
        raise ValueError("needs accounts, at least one sample and a level between 0 and 1")
    drawn = [statistic(weights) for weights in account_draws(accounts, generator, samples)]
    return {name: _middle(np.array([values[name] for values in drawn]), level) for name in drawn[0]}


def account_draws(accounts: int, generator: np.random.Generator, samples: int) -> Iterator[Integers]:
    """How often each of A accounts is drawn, (A,) for each of ``samples`` draws of A with replacement."""
    for _ in range(samples):
        yield np.bincount(generator.integers(0, accounts, size=accounts), minlength=accounts)


def _middle(values: NDArray[np.float64], level: float) -> Interval:
    """The middle ``level`` of the values (m,) that are finite numbers."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return Interval(float("nan"), float("nan"), 0)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), len(values))


def _sample(
    statistic: Statistic,
    order: Integers,
    starts: Integers,
    sizes: Integers,
    generator: np.random.Generator,
) -> float:
    """One draw: all rows of each drawn account, account by account."""
    drawn = generator.integers(0, len(sizes), size=len(sizes))
    lengths = sizes[drawn]
    account = np.repeat(np.arange(len(drawn), dtype=np.int64), lengths)
    within = np.arange(len(account)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return statistic(order[np.repeat(starts[drawn], lengths) + within], account)
