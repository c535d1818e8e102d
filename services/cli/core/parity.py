"""Captured features against a reference file, row by row, and the rows that may differ for a known reason."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from msgspec import Struct

from shared.features.mapping import Parity, ParityColumn

TX: Final = "tx_id"
LISTED: Final = 50


class ColumnResult(Struct, frozen=True):
    """One compared column: ``swapped`` of its mismatches are of same-second pairs."""

    column: str
    feature: str
    compared: int
    mismatches: int
    swapped: int


class RowResult(Struct, frozen=True):
    """A row that differs. ``pair_with``: the payment of that account and second it traded places with."""

    tx_id: str
    columns: list[str]
    pair_with: str


class ParityReport(Struct, frozen=True):
    """``missing``: reference rows without a capture. ``rows`` lists differing rows, at most `LISTED`."""

    rows_compared: int
    missing: int
    columns: list[ColumnResult]
    differing_rows: int
    swapped_rows: int
    rows: list[RowResult]

    @property
    def is_equal(self) -> bool:
        """Every reference row has a capture and differs nowhere but in same-second pairs."""
        return not self.missing and self.rows_compared > 0 and self.differing_rows == self.swapped_rows


def compare(captures: pl.DataFrame, reference: pl.DataFrame, parity: Parity) -> ParityReport:
    """Compare ``captures`` with the reference's own columns.

    Captures have tx_id, account_id, event_time_ms, amount_base_minor and the features.
    """
    keyed = reference.with_columns(
        pl.concat_str([pl.lit(parity.id_prefix), pl.col(parity.id_column).cast(pl.String)]).alias(TX)
    ).rename({name: _theirs(name) for name in reference.columns})
    joined = keyed.join(captures, on=TX, how="inner")
    marks = joined.with_columns(_differs(row).alias(_mark(row)) for row in parity.columns)
    wrong = marks.filter(pl.any_horizontal(_mark(row) for row in parity.columns))
    rows = _explain(wrong, joined, parity)
    pairs = {row.tx_id for row in rows if row.pair_with}
    columns = [_column(marks, wrong, row, pairs) for row in parity.columns]
    missing = keyed.height - joined.height
    return ParityReport(joined.height, missing, columns, len(rows), len(pairs), rows[:LISTED])


def _theirs(name: str) -> str:
    return f"theirs.{name}"


def _mark(row: ParityColumn) -> str:
    return f"differs.{row.column}"


def _values(row: ParityColumn) -> tuple[pl.Expr, pl.Expr]:
    """(ours, theirs) as they are compared."""
    ours, theirs = pl.col(row.feature), pl.col(_theirs(row.column)).cast(pl.Float64)
    if row.compare == "exact":
        return ours, theirs
    their_count = pl.col(_theirs(row.count_column)).cast(pl.Float64)
    return (ours * pl.col(row.count_feature)).round(0), (theirs * their_count * row.scale).round(0)


def _differs(row: ParityColumn) -> pl.Expr:
    """NaN equals NaN; NaN differs from any number."""
    ours, theirs = _values(row)
    return ours.ne_missing(theirs)


def _column(marks: pl.DataFrame, wrong: pl.DataFrame, row: ParityColumn, pairs: set[str]) -> ColumnResult:
    mine = wrong.filter(pl.col(_mark(row)))[TX].to_list()
    swapped = sum(tx_id in pairs for tx_id in mine)
    return ColumnResult(row.column, row.feature, marks.height, len(mine), swapped)


def _explain(wrong: pl.DataFrame, joined: pl.DataFrame, parity: Parity) -> list[RowResult]:
    """Each differing row, with the payment that it traded places with, if there is one."""
    if not wrong.height:
        return []
    second = (pl.col("event_time_ms") // 1000).alias("second")
    together = ["account_id", "second"]
    near = joined.with_columns(second).join(
        wrong.select("account_id", second).unique(), on=together, how="inner"
    )
    values = {row.column: _values(row) for row in parity.columns}
    keep = [TX, *together, "amount_base_minor"]
    ours = near.select(*keep, **{name: pair[0] for name, pair in values.items()}).to_dicts()
    theirs = near.select(**{name: pair[1] for name, pair in values.items()}).to_dicts()
    payments = [_Payment(mine, published, parity) for mine, published in zip(ours, theirs, strict=True)]
    differing = set(wrong[TX].to_list())
    return [payment.result(payments) for payment in payments if payment.tx_id in differing]


class _Payment:
    """One payment near a difference: our values and the reference's, as they are compared."""

    def __init__(self, ours: dict[str, Any], theirs: dict[str, Any], parity: Parity) -> None:
        self.tx_id: str = ours[TX]
        self._moment = (ours["account_id"], ours["second"])
        self._amount: int = ours["amount_base_minor"]
        self._ours, self._theirs = ours, theirs
        self._columns = {row.column: row.compare for row in parity.columns}
        self.differing = [name for name in self._columns if not _same(ours[name], theirs[name])]

    def result(self, near: list[_Payment]) -> RowResult:
        """With the payment of the same account and second that it traded places with."""
        others = (other for other in near if other is not self and other._moment == self._moment)
        pair = next((o.tx_id for o in others if self._precedes(o) or o._precedes(self)), "")
        return RowResult(self.tx_id, self.differing, pair)

    def _precedes(self, later: _Payment) -> bool:
        """Whether we put this payment before ``later`` and the reference put it behind.

        The one that comes second has seen both, here and there alike. The first ones have seen the same
        past: equal counts, and equal sums once each one's own amount is taken off.
        """
        names = {*self.differing, *later.differing}
        seconds = all(_same(later._ours[name], self._theirs[name]) for name in names)
        return seconds and all(self._same_past(later, name) for name in names)

    def _same_past(self, other: _Payment, name: str) -> bool:
        here, there = self._ours[name], other._theirs[name]
        if _same(here, there):
            return True
        return self._columns[name] == "mean_of" and here - self._amount == there - other._amount


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)
