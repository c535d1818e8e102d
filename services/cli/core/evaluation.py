"""Models measured on the same payments: values with intervals, differences with paired ones, curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct

from shared.evaluation.assessment import HEADLINE, Assessment, Point, Terms
from shared.evaluation.intervals import Interval, weighted_intervals
from shared.evaluation.payments import Numbers, Payments
from shared.evaluation.published import published
from shared.evaluation.sweep import UNCAUGHT
from shared.evaluation.triggers import Trigger

Statistic = Callable[[Numbers | None], dict[str, float]]


class Value(Struct, frozen=True, kw_only=True):
    """A metric with the bounds of its interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Threshold(Struct, frozen=True, kw_only=True):
    """Where a trigger's threshold stands, as a score and as a probability, and its metrics by name."""

    score: float | None
    probability: float | None
    metrics: dict[str, Value]


class Measured(Struct, frozen=True, kw_only=True):
    """One model: metrics without a threshold, those of each trigger, and the published ones if asked."""

    model: str
    ranking: dict[str, Value]
    thresholds: dict[str, Threshold]
    published: dict[str, float] | None = None


class Draws(Struct, frozen=True, kw_only=True):
    """How intervals are drawn: so many samples of accounts, from a seed, for the middle ``level``."""

    samples: int = 200
    seed: int = 0
    level: float = 0.95


def assess(payments: Payments, scores: Numbers, probabilities: Numbers | None, terms: Terms) -> Assessment:
    """Scores and probabilities (n,) as the rows of ``payments`` were given. Raises ValueError."""
    sorted_probabilities = None if probabilities is None else payments.scores(probabilities)
    return Assessment(payments, payments.scores(scores), sorted_probabilities, terms)


def measured(model: str, found: Assessment, point: Point, draws: Draws, *, as_published: bool) -> Measured:
    """Values and intervals. The threshold is chosen anew in each draw, where an AFPR chooses it."""
    values = found.values(point)
    intervals = _intervals(lambda weights: found.values(point, weights), found, draws)
    return Measured(
        model=model,
        ranking={n: _value(v, intervals.get(n)) for n, v in values.items() if "." not in n},
        thresholds={t: _threshold(found, t, point, values, intervals) for t in found.terms.triggers},
        published=_published(found, point) if as_published else None,
    )


def differences(
    new: Assessment, old: Assessment, points: tuple[Point, Point], draws: Draws
) -> dict[str, Value]:
    """Each metric of ``new`` less that of ``old``, with its paired interval: both on the same drawn accounts.

    Both are of the same payments in the same order, each at its own of ``points``. A metric that one of them
    lacks is left out.
    """

    def less(weights: Numbers | None) -> dict[str, float]:
        one, other = new.values(points[0], weights), old.values(points[1], weights)
        return {name: one[name] - other[name] for name in one if name in other}

    intervals = _intervals(less, new, draws)
    return {name: _value(value, intervals.get(name)) for name, value in less(None).items()}


def _intervals(statistic: Statistic, found: Assessment, draws: Draws) -> Mapping[str, Interval]:
    if draws.samples < 1:
        return {}
    generator = np.random.default_rng(draws.seed)
    return weighted_intervals(statistic, found.payments.accounts, generator, draws.samples, draws.level)


def _threshold(
    found: Assessment,
    trigger: Trigger,
    point: Point,
    values: Mapping[str, float],
    intervals: Mapping[str, Interval],
) -> Threshold:
    place = found.place(trigger, point)
    own = {name.partition(".")[2]: name for name in values if name.startswith(f"{trigger}.")}
    return Threshold(
        score=number(found.threshold(trigger, place)),
        probability=probability_at(found, trigger, place),
        metrics={short: _value(values[name], intervals.get(name)) for short, name in own.items()},
    )


def probability_at(found: Assessment, trigger: Trigger, place: int) -> float | None:
    """The probability of the payments that score at a threshold; None where there is none."""
    if found.probabilities is None or place == UNCAUGHT:
        return None
    row = int(np.argmax(found.sweeps[trigger].levels.place == place))
    return float(found.probabilities[row])


def score_at(found: Assessment, probability: float) -> float:
    """The lowest score whose probability is at least ``probability``; inf where none is."""
    if found.probabilities is None:
        return probability
    reached = found.scores[found.probabilities >= probability]
    return float(reached.min(initial=math.inf))


def number(value: float) -> float | None:
    """None for what is not a finite number."""
    return value if math.isfinite(value) else None


def _value(value: float, interval: Interval | None) -> Value:
    if interval is None:
        return Value(value=number(value))
    return Value(value=number(value), low=number(interval.low), high=number(interval.high))


def _published(found: Assessment, point: Point) -> dict[str, float] | None:
    probability = probability_at(found, HEADLINE, found.place(HEADLINE, point))
    if found.probabilities is None or probability is None:
        return None
    terms = found.terms
    told = published(
        found.payments, found.probabilities, contact_ms=terms.contact_ms, sampling=terms.sampling
    )
    return told.at(probability)
