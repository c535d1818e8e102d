"""Numbers of a range of minutes, asked of the lake's files by Polars; no reader of the house is used.

A value is a whole number, a text, or a tuple with an entry per point of a chart, None where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from msgspec import Struct

from shared.contracts.decisions import ACTIONS
from shared.evaluation.time_bins import LAST, edge, middle

Value = int | float | str | None | tuple[int | float | None, ...]
Numbers = dict[str, Value]

SCORE_BINS: Final = 50
LOOKED_AT: Final = ("review", "challenge", "decline")
SHARES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class Minutes(Struct, frozen=True):
    """From ``from_ms`` up to, not including, ``to_ms``, with a point of the charts every ``step_ms``."""

    from_ms: int
    to_ms: int
    step_ms: int

    def point(self, at_ms: int) -> int:
        """Which point of the charts a time belongs to."""
        return (at_ms - self.from_ms) // self.step_ms

    @property
    def points(self) -> int:
        """How many points the charts have."""
        return math.ceil((self.to_ms - self.from_ms) / self.step_ms)


class Lake:
    """The good rows of one portfolio's tables under ``root``. A table that is not there has no rows."""

    def __init__(self, root: Path, portfolio: str) -> None:
        self._root = root
        self._portfolio = portfolio

    def rows(self, table: str, time: str, minutes: Minutes | None = None) -> pl.DataFrame:
        """Rows whose column ``time`` lies within ``minutes``; what stands twice is there twice."""
        if not (self._root / table / "_delta_log").is_dir():
            return pl.DataFrame()
        found = pl.scan_delta(str(self._root / table)).filter(
            pl.col("portfolio") == self._portfolio, pl.col("refused_reason").is_null()
        )
        if minutes is not None:
            found = found.filter(pl.col(time) >= minutes.from_ms, pl.col(time) < minutes.to_ms)
        return found.collect()


def charts_and_sums(lake: Lake, minutes: Minutes) -> Numbers:
    """What the overview shows of a range."""
    rows = lake.rows("decisions", "decided_at_ms", minutes)
    letters = lake.rows("dead_letters", "at_ms", minutes)
    return {
        "decisions": rows.height,
        **_per(rows, "decisions", ["action", "currency"]),
        **_sums(rows, "money", ["action", "currency"], "amount_minor"),
        **_per(letters, "dead letters", ["reason"]),
        **_charts(rows, minutes),
    }


def counted(lake: Lake, minutes: Minutes) -> Numbers:
    """What the monitor counts of a range beside what the overview shows."""
    rows = lake.rows("decisions", "decided_at_ms", minutes)
    labels = lake.rows("labels", "known_at_ms", minutes)
    told = lake.rows("predictions", "ingest_time_ms", minutes)
    if told.height:
        told = told.with_columns(model=pl.col("model") + "@" + pl.col("model_version"))
    reasons = rows.explode("reasons").drop_nulls("reasons") if rows.height else rows
    return {
        **_per(rows, "of release", ["release_seq"]),
        **_per(rows, "of caller", ["caller"]),
        **_per(reasons, "with reason", ["reasons"]),
        **_per(labels, "labels", ["verdict"]),
        **_sums(labels, "loss", ["verdict"], "loss_minor"),
        **_per(told, "predictions", ["lane", "model"]),
        **_scores(told),
        "predict, us in all": int(told["predict_us"].sum()) if told.height else 0,
    }


def case_most_at_risk(lake: Lake, minutes: Minutes) -> Numbers:
    """The case of a range that the queue shows first, and its value: amount times score."""
    rows = lake.rows("decisions", "decided_at_ms", minutes)
    labels = lake.rows("labels", "known_at_ms")
    if not rows.height:
        return {"case most at risk": None, "its value at risk, minor": None}
    judged = labels.filter(pl.col("source") == "analyst")["tx_id"].to_list() if labels.height else []
    waiting = rows.sort("partition", "offset").unique("tx_id", keep="first", maintain_order=True)
    waiting = waiting.filter(pl.col("action").is_in(LOOKED_AT), ~pl.col("tx_id").is_in(judged))
    cases = [
        (-round(amount * (1.0 if score is None else score)), tx_id)
        for amount, score, tx_id in waiting.select("amount_minor", "score", "tx_id").iter_rows()
    ]
    first = min(cases, default=(None, None))
    return {
        "case most at risk": first[1],
        "its value at risk, minor": None if first[0] is None else -first[0],
    }


def _per(rows: pl.DataFrame, what: str, by: list[str]) -> Numbers:
    if not rows.height:
        return {}
    return {f"{what}: {_name(key)}": found.height for key, found in rows.group_by(by)}


def _sums(rows: pl.DataFrame, what: str, by: list[str], column: str) -> Numbers:
    if not rows.height:
        return {}
    return {f"{what}: {_name(key)}, minor": int(found[column].sum()) for key, found in rows.group_by(by)}


def _name(key: Iterable[object]) -> str:
    return " ".join(str(part) for part in key)


def _charts(rows: pl.DataFrame, minutes: Minutes) -> Numbers:
    """Per point: decisions a second, each action's share, three times of received to decided."""
    at: list[list[Mapping[str, Any]]] = [[] for _ in range(minutes.points)]
    names = ["decided_at_ms", "input_ingest_time_ms", "action"]
    for row in rows.select(names).iter_rows(named=True) if rows.height else ():
        at[minutes.point(row["decided_at_ms"])].append(row)
    widths = [
        min(minutes.step_ms, minutes.to_ms - minutes.from_ms - point * minutes.step_ms)
        for point in range(minutes.points)
    ]
    charts: Numbers = {
        "per second": tuple(
            round(len(found) * 1000 / width, 3) for found, width in zip(at, widths, strict=True)
        )
    }
    for action in ACTIONS:
        charts[f"share: {action}"] = tuple(_share(found, action) for found in at)
    for name, share in SHARES.items():
        charts[f"{name}, ms"] = tuple(_ranked(found, share) for found in at)
    return charts


def _share(found: list[Mapping[str, Any]], action: str) -> float | None:
    return sum(row["action"] == action for row in found) / len(found) if found else None


def _ranked(found: list[Mapping[str, Any]], share: float) -> float | None:
    """The middle of the bin that the time of this rank lies in: a screen cannot tell it finer."""
    times = sorted(
        row["decided_at_ms"] - row["input_ingest_time_ms"] for row in found if row["input_ingest_time_ms"]
    )
    if not times:
        return None
    ranked = times[math.ceil(share * len(times)) - 1]
    return middle(max(number for number in range(LAST + 1) if edge(number) <= ranked))


def _scores(told: pl.DataFrame) -> Numbers:
    """Predictions in 50 equal bins of the score, per lane and model."""
    found: Numbers = {}
    for key, rows in told.group_by(["lane", "model"]) if told.height else ():
        bins = [0] * SCORE_BINS
        for score in rows["score"]:
            bins[min(int(score * SCORE_BINS), SCORE_BINS - 1)] += 1
        found[f"scores: {_name(key)}"] = tuple(bins)
    return found
