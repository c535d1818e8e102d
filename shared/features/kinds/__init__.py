"""The table of feature kinds: what each is called, takes, measures, and means when it is missing."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from . import codes

Stream = Literal["none", "transactions", "labels", "activity", "any"]
"""Records a kind reads: "activity" names one activity kind, "any" takes transactions unless one is named.

An activity is no payment, so a window of activities never holds the payment itself."""


class KindSpec(Struct, frozen=True, kw_only=True):
    """A kind of feature. ``parameters`` are p0 and p1 of the program, with defaults, in order.

    ``unit`` and ``missing`` go to the catalogue: what a value measures, and when there is none.
    """

    name: str
    code: int
    meaning: str
    unit: str
    missing: str = "never missing"
    stream: Stream = "none"
    delayed: bool = False
    field: bool = False
    column: bool = False
    operands: bool = False
    takes_self: bool = False
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def entity(self) -> bool:
        """Whether the kind reads an entity's timeline, so that it takes ``entity`` and ``window``."""
        return self.stream != "none"


def _window(
    name: str,
    code: int,
    meaning: str,
    unit: str,
    missing: str = "never missing",
    parameters: tuple[tuple[str, float], ...] = (),
) -> KindSpec:
    return KindSpec(
        name=name,
        code=code,
        meaning=meaning,
        unit=unit,
        missing=missing,
        stream="transactions",
        takes_self=True,
        parameters=parameters,
    )


def _delayed(
    name: str, code: int, meaning: str, unit: str, parameters: tuple[tuple[str, float], ...] = ()
) -> KindSpec:
    return KindSpec(
        name=name,
        code=code,
        meaning=meaning,
        unit=unit,
        stream="labels",
        delayed=True,
        parameters=parameters,
    )


def _column(
    name: str, code: int, meaning: str, unit: str, missing: str, *, takes_self: bool = False
) -> KindSpec:
    return KindSpec(
        name=name,
        code=code,
        meaning=meaning,
        unit=unit,
        missing=missing,
        stream="any",
        column=True,
        takes_self=takes_self,
    )


def _arithmetic(name: str, code: int, meaning: str, missing: str) -> KindSpec:
    return KindSpec(name=name, code=code, meaning=meaning, unit="", missing=missing, operands=True)


_EMPTY: Final = "the window is empty"
_NO_VALUE: Final = "the payment lacks the field"
_NO_PAIR: Final = "no record of the window carries the payment's value, or the payment lacks the field"

_ALL: Final = (
    KindSpec(
        name="value",
        code=codes.VALUE,
        meaning="a field of the payment",
        unit="as the field",
        missing=_NO_VALUE,
        field=True,
    ),
    KindSpec(name="hour", code=codes.HOUR, meaning="hour of the local day", unit="h"),
    KindSpec(name="weekday", code=codes.WEEKDAY, meaning="local day of the week, Monday 0", unit="d"),
    KindSpec(name="weekend", code=codes.WEEKEND, meaning="Saturday or Sunday", unit="flag"),
    KindSpec(
        name="night",
        code=codes.NIGHT,
        meaning="local hour at most last_hour",
        unit="flag",
        parameters=(("last_hour", 6.0),),
    ),
    _window("count", codes.COUNT, "transactions", "transactions"),
    _window("sum", codes.SUM, "sum of amounts", "minor units"),
    _window("mean", codes.MEAN, "mean amount", "minor units", _EMPTY),
    _window("std", codes.STD, "standard deviation of amounts", "minor units", "fewer than two transactions"),
    _window("max", codes.MAX, "largest amount", "minor units", _EMPTY),
    _window("min", codes.MIN, "smallest amount", "minor units", _EMPTY),
    KindSpec(
        name="gap",
        code=codes.GAP,
        meaning="time since the newest record before this payment",
        unit="s",
        missing=_EMPTY,
        stream="any",
    ),
    _window("ratio", codes.RATIO, "amount over mean amount plus add", "ratio", _EMPTY, (("add", 1.0),)),
    _window(
        "max_ratio", codes.MAX_RATIO, "amount over largest amount plus add", "ratio", _EMPTY, (("add", 1.0),)
    ),
    _window(
        "z",
        codes.Z,
        "amount less mean amount, over deviation plus add",
        "ratio",
        "fewer than two transactions",
        (("freedom", 1.0), ("add", 50.0)),
    ),
    _column(
        "distinct",
        codes.DISTINCT,
        "distinct values of the column",
        "values",
        "never missing",
        takes_self=True,
    ),
    _column("first_pair", codes.FIRST_PAIR, "this value of the column is new here", "flag", _NO_VALUE),
    _column(
        "pair_count",
        codes.PAIR_COUNT,
        "records with this value of the column",
        "records",
        _NO_VALUE,
        takes_self=True,
    ),
    _column("pair_age", codes.PAIR_AGE, "time since this value of the column came first", "s", _NO_PAIR),
    _column("pair_gap", codes.PAIR_GAP, "time since this value of the column came last", "s", _NO_PAIR),
    _delayed("delayed_count", codes.DELAYED_COUNT, "transactions old enough for labels", "transactions"),
    _delayed("delayed_frauds", codes.DELAYED_FRAUDS, "known frauds among them", "transactions"),
    _delayed(
        "delayed_risk",
        codes.DELAYED_RISK,
        "known frauds plus prior_frauds, over transactions plus prior_rows",
        "ratio",
        (("prior_frauds", 0.0), ("prior_rows", 0.0)),
    ),
    KindSpec(
        name="activity_count",
        code=codes.ACTIVITY_COUNT,
        meaning="activities of one kind",
        unit="activities",
        stream="activity",
    ),
    _arithmetic("share", codes.SHARE, "left over right, of two counts", "right is 0"),
    _arithmetic("difference", codes.DIFFERENCE, "left less right", "an operand is missing"),
    _arithmetic("total", codes.TOTAL, "left plus right", "an operand is missing"),
    _arithmetic("quotient", codes.QUOTIENT, "left over right", "an operand is missing or right is 0"),
)

KINDS: Final[dict[str, KindSpec]] = {kind.name: kind for kind in _ALL}
"""Every kind by name. A new one is a code, an entry here, and its kernel with tests."""
