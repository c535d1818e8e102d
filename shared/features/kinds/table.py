"""The table of feature kinds. A new kind is its kernel's file and an entry here; `make docs` does the rest.

Amounts are in base minor units. A window holds the payment itself only where the feature says so.
"""

from __future__ import annotations

from typing import Any, Final

from .kind import KindSpec, Span

_EMPTY: Final = "the window is empty"
_FEW: Final = "fewer than two transactions"
_FEW_CLEAN: Final = "fewer than two transactions without known fraud"
_NO_VALUE: Final = "the payment lacks the field"
_NO_PAIR: Final = "no record of the window carries the payment's value, or the payment lacks the field"
_FEW_PAIRS: Final = "fewer than two records carry the payment's value, or the payment lacks the field"
_ADD: Final = (("add", 1.0),)
_Z: Final = (("freedom", 1.0), ("add", 50.0))


def _window(name: str, kernel: str, meaning: str, unit: str, **more: Any) -> KindSpec:
    """Of the transactions in a window."""
    return KindSpec(
        name=name, kernel=kernel, meaning=meaning, unit=unit, stream="transactions", takes_self=True, **more
    )


def _delayed(name: str, kernel: str, meaning: str, unit: str, **more: Any) -> KindSpec:
    """Of the transactions in a window that ended a label delay ago."""
    return KindSpec(
        name=name, kernel=kernel, meaning=meaning, unit=unit, stream="labels", delayed=True, **more
    )


def _column(name: str, kernel: str, meaning: str, unit: str, **more: Any) -> KindSpec:
    """Of the records in a window, by a column."""
    return KindSpec(name=name, kernel=kernel, meaning=meaning, unit=unit, stream="any", column=True, **more)


def _pair(name: str, kernel: str, meaning: str, unit: str, missing: str, **more: Any) -> KindSpec:
    """Of the amounts of those transactions in a window that carry the payment's value of a column."""
    return KindSpec(
        name=name,
        kernel=kernel,
        meaning=meaning,
        unit=unit,
        missing=missing,
        stream="transactions",
        column=True,
        takes_self=True,
        fold="pair_amounts.amounts",
        **more,
    )


def _moving(name: str, kernel: str, meaning: str, unit: str) -> KindSpec:
    """Since the newest transaction of the window that has a place."""
    return KindSpec(
        name=name,
        kernel=kernel,
        meaning=meaning,
        unit=unit,
        missing="no transaction of the window has a place, or the payment has none",
        stream="transactions",
        column=True,
        place=True,
    )


def _arithmetic(name: str, kernel: str, meaning: str, missing: str) -> KindSpec:
    """Of two features declared before."""
    return KindSpec(name=name, kernel=kernel, meaning=meaning, unit="", missing=missing, operands=True)


_OF_THE_PAYMENT: Final = (
    KindSpec(
        name="value", meaning="a field of the payment", unit="as the field", missing=_NO_VALUE, field=True
    ),
    KindSpec(name="hour", meaning="hour of the local day", unit="h"),
    KindSpec(name="weekday", meaning="local day of the week, Monday 0", unit="d"),
    KindSpec(name="weekend", meaning="Saturday or Sunday", unit="flag"),
    KindSpec(
        name="night",
        meaning="local hour at most last_hour",
        unit="flag",
        parameters=(("last_hour", 6.0),),
    ),
    KindSpec(
        name="distance",
        meaning="distance between two places of the payment",
        unit="km",
        missing="the payment lacks one of them",
        places=True,
    ),
)

_OF_A_WINDOW: Final = (
    _window("count", "count.count", "transactions", "transactions"),
    _window("sum", "sum.sum_minor", "sum of amounts", "minor units"),
    _window("mean", "mean.mean", "mean amount", "minor units", missing=_EMPTY),
    _window("std", "std.std", "standard deviation of amounts", "minor units", missing=_FEW, squares=True),
    _window("max", "extremes.largest", "largest amount", "minor units", missing=_EMPTY, peaks=True),
    _window("min", "extremes.smallest", "smallest amount", "minor units", missing=_EMPTY),
    KindSpec(
        name="gap",
        kernel="gap.gap",
        meaning="time since the newest record before this payment",
        unit="s",
        missing=_EMPTY,
        stream="any",
    ),
    _window(
        "ratio", "ratio.ratio", "amount over mean amount plus add", "ratio", missing=_EMPTY, parameters=_ADD
    ),
    _window(
        "max_ratio",
        "extremes.max_ratio",
        "amount over largest amount plus add",
        "ratio",
        missing=_EMPTY,
        peaks=True,
        parameters=_ADD,
    ),
    _window(
        "z",
        "z.z",
        "amount less mean amount, over deviation plus add",
        "ratio",
        missing=_FEW,
        squares=True,
        parameters=_Z,
    ),
    KindSpec(
        name="high_count",
        kernel="high_count.high_count",
        fold="high_count.begin",
        nested=True,
        meaning="transactions above times the mean of the least or more in usual_window before them",
        unit="transactions",
        stream="transactions",
        parameters=(("times", 3.0), ("least", 5.0)),
        span=Span("usual_window", "60d"),
    ),
)

_OF_A_COLUMN: Final = (
    _column("distinct", "distinct.distinct", "distinct values of the column", "values", takes_self=True),
    _column(
        "first_pair", "pair.first_pair", "this value of the column is new here", "flag", missing=_NO_VALUE
    ),
    _column(
        "pair_count",
        "pair.pair_count",
        "records with this value of the column",
        "records",
        missing=_NO_VALUE,
        takes_self=True,
    ),
    _column(
        "pair_age", "pair.pair_age", "time since this value of the column came first", "s", missing=_NO_PAIR
    ),
    _column(
        "pair_gap", "pair.pair_gap", "time since this value of the column came last", "s", missing=_NO_PAIR
    ),
    _pair("pair_sum", "pair_amounts.pair_sum", "sum of amounts with this value", "minor units", _NO_VALUE),
    _pair("pair_mean", "pair_amounts.pair_mean", "mean amount with this value", "minor units", _NO_PAIR),
    _pair(
        "pair_ratio",
        "pair_amounts.pair_ratio",
        "amount over mean amount with this value plus add",
        "ratio",
        _NO_PAIR,
        parameters=_ADD,
    ),
    _pair(
        "pair_z",
        "pair_amounts.pair_z",
        "amount less mean amount with this value, over deviation plus add",
        "ratio",
        _FEW_PAIRS,
        parameters=_Z,
    ),
    _moving("moved", "movement.moved", "distance from the last place", "km"),
    _moving("speed", "movement.speed", "distance from the last place, over the time since then", "km/h"),
)

_OF_LABELS: Final = (
    _delayed("delayed_count", "count.count", "transactions old enough for labels", "transactions"),
    _delayed(
        "delayed_frauds",
        "delayed.delayed_frauds",
        "known frauds among them",
        "transactions",
        labels=True,
        fold="delayed.frauds",
    ),
    _delayed(
        "delayed_risk",
        "delayed.delayed_risk",
        "known frauds plus prior_frauds, over transactions plus prior_rows",
        "ratio",
        labels=True,
        fold="delayed.frauds",
        parameters=(("prior_frauds", 0.0), ("prior_rows", 0.0)),
    ),
    _delayed(
        "fraud_run",
        "known.fraud_run",
        "known frauds in a row up to the newest transaction old enough for labels",
        "transactions",
        labels=True,
        fold="known.known",
    ),
    _delayed(
        "fraud_run_age",
        "known.fraud_run_age",
        "time since the first of the known frauds in a row",
        "s",
        missing="the newest transaction old enough for labels is no known fraud",
        labels=True,
        fold="known.known",
    ),
    _delayed(
        "since_genuine",
        "known.since_genuine",
        "time since the newest transaction old enough for labels that is no known fraud",
        "s",
        missing="the window holds none",
        labels=True,
        fold="known.known",
    ),
    _delayed(
        "since_fraud",
        "known.since_fraud",
        "time since the newest known fraud",
        "s",
        missing="the window holds none",
        labels=True,
    ),
    _window(
        "clean_ratio",
        "clean.clean_ratio",
        "amount over mean amount plus add, known frauds left out",
        "ratio",
        missing=_FEW_CLEAN,
        labels=True,
        squares=True,
        fold="clean.clean",
        parameters=_ADD,
        span=Span("delay"),
    ),
    _window(
        "clean_z",
        "clean.clean_z",
        "amount less mean amount, over deviation plus add, known frauds left out",
        "ratio",
        missing=_FEW_CLEAN,
        labels=True,
        squares=True,
        fold="clean.clean",
        parameters=_Z,
        span=Span("delay"),
    ),
)

_OF_ACTIVITIES: Final = (
    KindSpec(
        name="activity_count",
        kernel="count.count",
        meaning="activities of one kind",
        unit="activities",
        stream="activity",
    ),
)

_OF_TWO: Final = (
    _arithmetic("share", "arithmetic.quotient", "left over right, of two counts", "right is 0"),
    _arithmetic("difference", "arithmetic.difference", "left less right", "an operand is missing"),
    _arithmetic("total", "arithmetic.total", "left plus right", "an operand is missing"),
    _arithmetic("quotient", "arithmetic.quotient", "left over right", "an operand is missing or right is 0"),
)

TABLE: Final = (
    *_OF_THE_PAYMENT,
    *_OF_A_WINDOW,
    *_OF_A_COLUMN,
    *_OF_LABELS,
    *_OF_ACTIVITIES,
    *_OF_TWO,
)
