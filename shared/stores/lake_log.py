"""What was appended to the timelines, from captures and raw rows: enough to lay every log down again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.capture import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION

from .lake_scan import LakeScan

_CAPTURED: Final = [
    "partition",
    "offset",
    "row",
    "input_topic",
    "input_partition",
    "input_offset",
    "kind",
    "id",
    "event_time_ms",
    "epoch",
    "versions",
    "repeats",
    "input_hash",
    "amount_base_minor",
    "mark_ms",
    "state_quality",
    "release_seq",
    "entities",
]
PLACE: Final = "place"
"""Where a record stood, as one number: its kind, partition and offset."""

_TABLES: Final = {
    "transactions": KIND_TRANSACTION,
    "labels": KIND_LABEL,
    "activities": KIND_ACTIVITY,
}
_RAW: Final = ["partition", "offset", "raw_bytes", "ingest_time_ms", "load_id"]


class LogEntry(NamedTuple):
    """One record that was appended, and where in each of its entities' timelines it stands.

    ``versions`` (e,) are the first indices, -1 where the record has no such entity; ``repeats`` the later
    indices of the same record as ``entity * 2**40 + index``; ``kind`` is a `capture` kind; ``raw`` the
    original bytes, None if the lake does not hold them.
    """

    kind: int
    own_id: str
    raw: bytes | None
    event_time_ms: int
    amount_base_minor: int
    epoch: int
    versions: list[int]
    repeats: list[int]
    input_hash: bytes


def log_entries(scan: LakeScan, portfolio: str) -> Iterator[LogEntry]:
    """Every appended record of ``portfolio`` once per epoch, day by day of event time.

    Within a day entries come in the order of their first capture. Late records stand in their event's day,
    so the indices of one timeline do not rise over the whole: place each entry by its index. Where two
    bodies under one id claim one index, the first to come is the one that stands there.
    """
    for day in scan.days("captures", portfolio):
        merged = once(captured_rows(scan, portfolio, [day]))
        raws = raw_rows(scan, portfolio, [day], merged[PLACE])
        merged = merged.join(raws, on=PLACE, how="left", maintain_order="left")
        fields = ["kind", "id", "raw_bytes", "event_time_ms", "amount_base_minor", "epoch", "versions"]
        for values in merged.select(*fields, "repeats", "input_hash").iter_rows():
            yield LogEntry(*values)


def captured_rows(scan: LakeScan, portfolio: str, days: Sequence[date]) -> pl.DataFrame:
    """What the captures of some UTC event days say of the log, in their order: no vector and no answer."""
    found = scan.rows("captures", portfolio, columns=_CAPTURED, where=of_days(days))
    found = found.with_columns(place("kind", "input_partition", "input_offset"))
    return found.sort("partition", "offset", "row")


def place(kind: str | int, partition: str, offset: str) -> pl.Expr:
    """The column `PLACE` of these columns; ``kind`` may be one for all."""
    of_kind = pl.lit(kind) if isinstance(kind, int) else pl.col(kind)
    high = of_kind.cast(pl.Int64) * 2**16 + pl.col(partition).cast(pl.Int64)
    return (high * 2**40 + pl.col(offset)).alias(PLACE)


def once(captured: pl.DataFrame) -> pl.DataFrame:
    """One row per record, body and epoch: its first capture, with the repeats of all of them."""
    identity = ["kind", "id", "input_hash", "epoch"]
    if captured["input_hash"].n_unique() == captured.height:
        return captured
    return captured.group_by(identity, maintain_order=True).agg(
        pl.exclude("repeats").first(), pl.col("repeats").explode(empty_as_null=False).unique().sort()
    )


def raw_rows(scan: LakeScan, portfolio: str, days: Sequence[date], wanted: pl.Series) -> pl.DataFrame:
    """Original bytes, append time, load and kind of the records at the `PLACE`s ``wanted``, each once.

    Those of ``days`` are looked at first: a record whose time was clamped stands in another day.
    """
    places = pl.DataFrame({PLACE: wanted.unique()})
    found = _raw_rows(scan, portfolio, of_days(days))
    missing = places.join(found.select(PLACE), on=PLACE, how="anti")
    if missing.height:
        offsets = (missing[PLACE] % 2**40).unique().to_list()
        found = pl.concat([found, _raw_rows(scan, portfolio, pc.field("offset").isin(offsets))])
    if not missing.height and found.height == places.height:
        return found
    return found.join(places, on=PLACE, how="semi").unique(PLACE)


def of_days(days: Sequence[date]) -> pc.Expression:
    """Rows of these event days."""
    return pc.field("event_day").isin(pa.array(days, pa.date32()))


def _raw_rows(scan: LakeScan, portfolio: str, where: pc.Expression) -> pl.DataFrame:
    parts = []
    for table, kind in _TABLES.items():
        rows = scan.rows(table, portfolio, columns=_RAW, where=where)
        parts.append(rows.select(place(kind, "partition", "offset"), *_RAW[2:], kind=pl.lit(kind)))
    return pl.concat(parts)
