"""Captured features against a reference file, row by row, and the rows that may differ for a known reason."""

from __future__ import annotations

from typing import Final

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
    """A row that differs. ``pair_with``: the payment of that account and second whose values it has."""

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
    """Compare ``captures`` (tx_id, account_id, event_time_ms, features) with the reference's own columns."""
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
    """Each differing row, with the payment whose values it carries if it is one of a same-second pair."""
    if not wrong.height:
        return []
    second = (pl.col("event_time_ms") // 1000).alias("second")
    near = joined.with_columns(second).join(
        wrong.select("account_id", second).unique(), on=["account_id", "second"], how="inner"
    )
    ours = {row.column: _values(row)[0] for row in parity.columns}
    theirs = {row.column: _values(row)[1] for row in parity.columns}
    names = list(ours)
    mine = near.select(TX, "account_id", "second", **ours).rows_by_key(TX, named=True)
    published = near.select(TX, "account_id", "second", **theirs).rows_by_key(TX, named=True)
    results = []
    for tx_id in wrong[TX].to_list():
        here, there = mine[tx_id][0], published[tx_id][0]
        columns = [name for name in names if not _same(here[name], there[name])]
        others = [other for other in published if other != tx_id and _together(mine[other][0], here)]
        pair = next(
            (
                other
                for other in others
                if _swapped(here, there, mine[other][0], published[other][0], columns)
            ),
            "",
        )
        results.append(RowResult(tx_id, columns, pair))
    return results


def _together(one: dict[str, object], other: dict[str, object]) -> bool:
    return (one["account_id"], one["second"]) == (other["account_id"], other["second"])


def _swapped(
    here: dict[str, float],
    there: dict[str, float],
    other_here: dict[str, float],
    other_there: dict[str, float],
    columns: list[str],
) -> bool:
    """Whether each payment carries what the reference gives the other."""
    return all(
        _same(here[name], other_there[name]) and _same(other_here[name], there[name]) for name in columns
    )


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)
