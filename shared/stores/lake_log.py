"""What was appended to the timelines, from captures and raw rows: enough to lay every log down again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

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
]
_INPUT: Final = ["input_topic", "input_partition", "input_offset"]
_TABLES: Final = ("transactions", "labels", "activities")


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
        yield from _entries(scan, portfolio, day)


def _entries(scan: LakeScan, portfolio: str, day: date) -> Iterator[LogEntry]:
    of_day = pc.field("event_day") == pa.scalar(day)
    captured = scan.rows("captures", portfolio, columns=_CAPTURED, where=of_day)
    merged = _once(captured).join(_raw_rows(scan, portfolio, of_day), on=_INPUT, how="left")
    # A record whose time was clamped stands in another day than its raw row.
    elsewhere = merged.filter(pl.col("raw_bytes").is_null())
    if elsewhere.height:
        offsets = pc.field("offset").isin(elsewhere["input_offset"].to_list())
        found = _raw_rows(scan, portfolio, offsets)
        merged = merged.join(found, on=_INPUT, how="left", suffix="_found")
        merged = merged.with_columns(raw_bytes=pl.coalesce("raw_bytes", "raw_bytes_found"))
    merged = merged.sort("partition", "offset", "row")
    fields = ["kind", "id", "raw_bytes", "event_time_ms", "amount_base_minor", "epoch", "versions", "repeats"]
    for values in merged.select(*fields, "input_hash").iter_rows():
        yield LogEntry(*values)


def _once(captured: pl.DataFrame) -> pl.DataFrame:
    """One row per record, body and epoch: its first capture, with the repeats of all of them."""
    ordered = captured.sort("partition", "offset", "row")
    return ordered.group_by("kind", "id", "input_hash", "epoch", maintain_order=True).agg(
        pl.exclude("repeats").first(), pl.col("repeats").explode(empty_as_null=False).unique().sort()
    )


def _raw_rows(scan: LakeScan, portfolio: str, where: pc.Expression) -> pl.DataFrame:
    """Original bytes by input coordinates."""
    columns = ["topic", "partition", "offset", "raw_bytes"]
    rows = pl.concat([scan.rows(t, portfolio, columns=columns, where=where) for t in _TABLES])
    return rows.rename(dict(zip(columns, _INPUT, strict=False))).unique(_INPUT)
