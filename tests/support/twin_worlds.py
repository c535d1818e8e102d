"""The label flip: the same payments twice under other ids, and other labels where none may be known yet.

Both worlds are loaded side by side. At the cut every label that is younger than its delay says the opposite
in the second world: those known after the cut, and those of payments younger than the portfolio's delay,
known or not. Until the cut not one input may differ; after it, inputs must, or the check could not fail.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from tests.support.handbook import TIME

DELAY: Final = timedelta(days=7)
KNOWN_AFTER_DAYS: Final = (2, 7, 16)
"""Labels come before, at and after the delay, by turns: the window's offset hides some, known_at others."""

LATER: Final = timedelta(days=364)
"""The worlds lie in days of their own, so that they can be read apart; whole weeks keep the weekday."""

WORLDS: Final = (1, 2)
IDS_APART: Final = 100_000_000
ENTITIES_APART: Final = 1_000_000


class Worlds(NamedTuple):
    """``first`` day's payments, the ``rest``, and the ``labels`` of both worlds, as files hold them.

    Loaded in this order (labels with the first payments) every label lies in the timelines long before
    its payment. ``cut`` is in the worlds' own days; ``flipped`` counts labels that say the opposite.
    """

    first: pl.DataFrame
    rest: pl.DataFrame
    labels: pl.DataFrame
    cut: datetime
    flipped: int


class Moved(NamedTuple):
    """Rows compared until the cut and after it, and those of which any input differs."""

    before: int
    moved_before: int
    after: int
    moved_after: int


def worlds(payments: pl.DataFrame, cut: datetime) -> Worlds:
    """Two worlds of ``payments`` (columns of the handbook's files, in event order)."""
    moved = payments.with_columns(pl.col(TIME) + LATER)
    both = pl.concat([_world(moved, world) for world in WORLDS]).sort(TIME, "TRANSACTION_ID")
    known = pl.col(TIME) + pl.duration(days=_known_after_days())
    young = (known > cut + LATER) | (pl.col(TIME) > cut + LATER - DELAY)
    marked = both.with_columns(known.alias("known"), (young & (pl.col("world") == 2)).alias("flips"))
    is_fraud = (pl.col("TX_FRAUD") == 1) != pl.col("flips")
    labels = marked.with_columns(is_fraud.alias("is_fraud")).filter(pl.col("is_fraud") | pl.col("flips"))
    day = both[TIME].dt.date()
    rows = both.drop("world")
    return Worlds(
        first=rows.filter(day == day[0]),
        rest=rows.filter(day != day[0]),
        labels=_labels(labels),
        cut=cut + LATER,
        flipped=int(marked["flips"].sum()),
    )


def _world(payments: pl.DataFrame, world: int) -> pl.DataFrame:
    return payments.with_columns(
        pl.col("TRANSACTION_ID") + world * IDS_APART,
        pl.col("CUSTOMER_ID", "TERMINAL_ID") + world * ENTITIES_APART,
        pl.lit(world).alias("world"),
    )


def _known_after_days() -> pl.Expr:
    """By the payment's own id, so that both worlds have the same."""
    turn = pl.col("TRANSACTION_ID") % IDS_APART % len(KNOWN_AFTER_DAYS)
    return turn.replace_strict(dict(enumerate(KNOWN_AFTER_DAYS)), return_dtype=pl.Int64)


def _labels(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns named as a label's fields; ids with the portfolio's prefixes."""
    return rows.select(
        label_id=pl.format("l-{}", "TRANSACTION_ID"),
        tx_id=pl.format("tx-{}", "TRANSACTION_ID"),
        account_id=pl.format("c-{}", "CUSTOMER_ID"),
        terminal_id=pl.format("t-{}", "TERMINAL_ID"),
        event_time_ms=pl.col(TIME).dt.epoch("ms"),
        known_at_ms=pl.col("known").dt.epoch("ms"),
        verdict=pl.when("is_fraud").then(pl.lit("fraud")).otherwise(pl.lit("genuine")),
        source=pl.lit("twin worlds"),
        amount_minor=(pl.col("TX_AMOUNT") * 100).round(0).cast(pl.Int64),
    )


def compare(captures: pl.DataFrame, features: list[str], cut: datetime) -> Moved:
    """Captured inputs of one world against the other, bit by bit. Raises ValueError if a twin is missing."""
    number = pl.col("tx_id").str.strip_prefix("tx-").cast(pl.Int64)
    rows = captures.with_columns(number % IDS_APART, (number // IDS_APART).alias("world"))
    one, two = (rows.filter(pl.col("world") == world).sort("tx_id") for world in WORLDS)
    if not one.height or not one["tx_id"].equals(two["tx_id"]):
        raise ValueError(f"{one.height} payments of one world, {two.height} of the other: not the same")
    bits = [np.ascontiguousarray(world.select(features).to_numpy()).view(np.uint64) for world in (one, two)]
    differs = (bits[0] != bits[1]).any(axis=1)
    before = (one["event_time_ms"] <= epoch_ms(cut)).to_numpy()
    return Moved(
        before=int(before.sum()),
        moved_before=int((before & differs).sum()),
        after=int((~before).sum()),
        moved_after=int((~before & differs).sum()),
    )


def epoch_ms(moment: datetime) -> int:
    """UTC ms of a time as the files have it."""
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)
