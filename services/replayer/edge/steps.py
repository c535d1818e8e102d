"""The three steps of a verification, each on a day or on a share of the logs, in whatever process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.replayer.core import comparing, laying, logs, recomputing
from services.replayer.core.records import Accepted, Arrivals, Read, accept, digests, hex_digests, read
from shared.contracts.decisions import STATE_QUALITIES
from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.models import Release
from shared.contracts.payments import Transaction
from shared.contracts.verification import RECORD_FAULTS, STAGES, BadRecord
from shared.features.kernels_plan import arithmetic_of, timeline_features_of
from shared.features.kernels_settle import settle
from shared.features.rowwise import Rowwise
from shared.features.whole_logs import LogWalker
from shared.stores.lake_log import PLACE

from .captured import read_captured
from .ground import Ground, ground_of, load, make_tables, releases_of, survey
from .lake_days import DayRows, bytes_at, read_days
from .said import SHOWN, DayCompared, DayLaid, Loaded, part_name

__all__ = ["compare_day", "fold_bucket", "ground_of", "lay_day", "load", "make_tables", "survey"]

Rates = Mapping[int, Mapping[str, int]]
"""Rates to base currency, in millionths, by release."""

_TOLD: Final = {"tx_id": pl.String, "account_id": pl.String, "amount_minor": pl.Int64, "currency": pl.String}
_NOBODY: Final = SimpleNamespace(**dict.fromkeys(_TOLD))
_REBUILDING: Final = STATE_QUALITIES.index("rebuilding")
_QUALITY_CODES: Final = {name: code for code, name in enumerate(STATE_QUALITIES)}


def lay_day(ground: Ground, days: Sequence[date], number: int, buckets: int, rates_ppm: Rates) -> DayLaid:
    """Read and decode some days; leave places and asks by bucket, and their decisions, as part ``number``."""
    rows = read_days(ground.scan, ground.portfolio, days, ground.times, ground.until_ms, ground.entities)
    found = read(rows.raws["kind"].to_list(), rows.raws["raw_bytes"].to_list(), ground.limits.base_currency)
    day = _Day(rows, found, laying.words(found, ground.encoder), part_name(number), buckets, rates_ppm)
    day.owns[:] = laying.entity_ids(found.records, ground.entities, ground.encoder)
    bad, unread = _lay_logged(ground, day)
    _lay_decided(ground, day)
    quality = rows.logged.filter(pl.col("state_quality") == _REBUILDING)
    return DayLaid(
        decisions=rows.decided.height,
        records=rows.logged.height,
        releases=rows.decided["release_seq"].unique().to_list(),
        rebuilding=quality["epoch"].unique().to_list(),
        bad_count=len(bad),
        bad=bad[:SHOWN],
        unread=unread,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Day:
    """What was read: ``made`` (n, W) rows and ``owns`` a column of ids (n,) per entity."""

    rows: DayRows
    found: Read
    made: NDArray[np.int64]
    part: str
    buckets: int
    rates_ppm: Rates
    owns: list[pl.Series] = field(default_factory=list)

    def raw_of(self, frame: pl.DataFrame) -> NDArray[np.intp]:
        """The number of each line's bytes, the last where the lake has none."""
        raw: NDArray[np.intp] = frame["raw"].fill_null(len(self.found.records) - 1).to_numpy()
        return raw

    def own_of(self, raw: NDArray[np.intp]) -> list[pl.Series]:
        """The ids of the records ``raw``, a column per entity."""
        return [own.gather(raw) for own in self.owns]

    def accepted(self, ground: Ground, frame: pl.DataFrame, raw: NDArray[np.intp]) -> Accepted:
        """What each line's record counts with."""
        ingest = np.append(self.rows.raws["ingest_time_ms"].to_numpy(), 0)
        is_load = np.append(self.rows.raws["load_id"].is_not_null().to_numpy(), np.True_)
        marks, seqs = frame["mark_ms"].fill_null(0).to_numpy(), frame["release_seq"].to_numpy()
        came = Arrivals(marks, ingest[raw], is_load[raw], seqs)
        return accept(self.found, raw, came, ground.limits, self.rates_ppm)


def _lay_logged(ground: Ground, day: _Day) -> tuple[list[BadRecord], list[tuple[int, int, int]]]:
    logged, found = day.rows.logged, day.found
    raw = day.raw_of(logged)
    accepted = day.accepted(ground, logged, raw)
    event, amount = logged["event_time_ms"].to_numpy(), logged["amount_base_minor"].to_numpy()
    # What came twice was captured with the time and amount of its first copy, which is another input.
    is_repeated = logged["repeats"].list.len().fill_null(0).to_numpy() > 0
    differs = ((accepted.event_ms != event) | (accepted.amount_base_minor != amount)) & ~is_repeated
    is_none = np.array([record is None for record in found.records], np.bool_)[raw]
    is_other = (found.hashes[raw] != digests(logged["input_hash"])).any(axis=1)
    is_missing = raw == len(found.records) - 1
    fault = np.select([is_missing, is_other, is_none, differs], [1, 2, 3, 4], 0).astype(np.uint8)
    counted = Accepted(
        np.where(is_repeated, event, accepted.event_ms),
        np.where(is_repeated, amount, accepted.amount_base_minor),
        accepted.flags,
    )
    versions = _versions(logged["versions"], ground.entities)
    order = np.arange(len(logged)) + (int(day.part) << 32)
    entries = laying.Entries(order, logged["epoch"].to_numpy(), versions, logged["repeats"], fault)
    made = laying.accepted_words(day.made, found, raw, counted)
    _put(ground, "places", laying.places(entries, made, day.own_of(raw)), day)
    return _bad(logged, fault), _unread(logged, versions, is_none)


def _versions(lists: pl.Series, entities: int) -> NDArray[np.int64]:
    """(n, e) of n lists; -1 throughout where a list has another length."""
    is_whole = (lists.list.len() == entities).fill_null(value=False).to_numpy()
    found = np.full((len(lists), entities), -1, np.int64)
    found[is_whole] = lists.filter(pl.Series(is_whole)).explode().to_numpy().reshape(-1, entities)
    return found


def _put(ground: Ground, name: str, frame: pl.DataFrame, day: _Day) -> None:
    """Lines that name an id, by the share of the logs that theirs belongs to."""
    frame = frame.filter(pl.col("own").is_not_null())
    frame = frame.with_columns(bucket=pl.col("own").hash(0) % day.buckets)
    for (bucket,), share in frame.partition_by("bucket", include_key=False, as_dict=True).items():
        ground.scratch.put(f"{name}-{bucket}", day.part, share)


def _bad(logged: pl.DataFrame, fault: NDArray[np.uint8]) -> list[BadRecord]:
    names = ("kind", "id", "input_topic", "input_partition", "input_offset")
    rows = np.flatnonzero(fault)
    lines = logged[rows].select(names).iter_rows()
    return [
        BadRecord(
            kind=kind, own_id=own, topic=topic, partition=partition, offset=offset, fault=RECORD_FAULTS[f - 1]
        )
        for (kind, own, topic, partition, offset), f in zip(lines, fault[rows].tolist(), strict=True)
    ]


def _unread(
    logged: pl.DataFrame, versions: NDArray[np.int64], is_none: NDArray[np.bool_]
) -> list[tuple[int, int, int]]:
    epoch = logged["epoch"].to_list()
    return [
        (e, epoch[i], int(index))
        for i in np.flatnonzero(is_none).tolist()
        for e, index in enumerate(versions[i])
        if index >= 0
    ]


def _lay_decided(ground: Ground, day: _Day) -> None:
    decided, found, part = day.rows.decided, day.found, day.part
    raw = day.raw_of(decided)
    accepted = day.accepted(ground, decided, raw)
    owns, versions = day.own_of(raw), _versions(decided["entity_versions"], ground.entities)
    quality = decided["state_quality"].replace_strict(_QUALITY_CODES, return_dtype=pl.UInt8).to_numpy()
    asked = np.flatnonzero(quality != recomputing.UNAVAILABLE)
    rows = laying.accepted_words(day.made, found, raw[asked], _some(accepted, asked))
    epoch, chosen = decided["epoch"].to_numpy(), [own.gather(asked) for own in owns]
    _put(ground, "asks", laying.asks(asked, epoch[asked], versions[asked], rows, chosen), day)
    payments = [
        r if isinstance(r, Transaction) else None for r in map(found.records.__getitem__, raw.tolist())
    ]
    matrix = np.full((len(decided), len(ground.feature_set.names)), np.nan)
    Rowwise(ground.feature_set).fill(matrix, accepted.event_ms, accepted.amount_base_minor, payments)
    absent = np.column_stack([own.is_null().to_numpy() for own in owns]) & (versions != -1)
    arrays = {
        "own": matrix,
        "status": absent * np.uint8(logs.MISSING),
        "inputs": found.hashes[raw],
        "versions": versions,
    }
    for name, array in arrays.items():
        ground.scratch.put_array(name, part, array)
    told = {
        **_told(payments),
        "accepted_ms": pl.Series(accepted.event_ms),
        "accepted_minor": pl.Series(accepted.amount_base_minor),
        "accepted_flag": pl.Series(accepted.flags),
        "quality": pl.Series(quality),
    }
    fault = _faults(decided, told["told_tx_id"], found.hashes[raw], raw == len(found.records) - 1)
    ground.scratch.put("decided", part, decided.with_columns(fault=fault, **told))


def _told(payments: Sequence[Transaction | None]) -> dict[str, pl.Series]:
    """What the bytes of n payments say, by column; null where there is none."""
    asked = [_NOBODY if tx is None else tx for tx in payments]
    return {
        f"told_{name}": pl.Series(list(map(attrgetter(name), asked)), dtype=kind)
        for name, kind in _TOLD.items()
    }


def _some(accepted: Accepted, rows: NDArray[np.intp]) -> Accepted:
    return Accepted(accepted.event_ms[rows], accepted.amount_base_minor[rows], accepted.flags[rows])


def _faults(
    decided: pl.DataFrame, tx_ids: pl.Series, hashes: NDArray[np.uint8], is_missing: NDArray[np.bool_]
) -> pl.Series:
    """What is wrong with the bytes of each decision, "" nothing."""
    is_other = (hashes != hex_digests(decided["input_hash"])).any(axis=1)
    is_refused = (decided["tx_id"] != tx_ids).fill_null(value=True).to_numpy()
    words = np.array(["", "bytes_missing", "bytes_differ", "bytes_refused"], object)
    return pl.Series(words[np.select([is_missing, is_other, is_refused], [1, 2, 3], 0)], dtype=pl.String)


def fold_bucket(
    ground: Ground,
    bucket: int,
    offsets: dict[str, int],
    rebuilding: Sequence[int],
    unread: Sequence[tuple[int, int, int]],
) -> int:
    """Fold a share of the logs for all who ask; how many indices nobody captured. ``offsets``: the number of
    the first decision of each part."""
    asked = [
        frame.with_columns(pl.col("number") + offsets[part])
        for part, frame in ground.scratch.parts(f"asks-{bucket}")
    ]
    if not asked:
        return 0
    stand = [frame for _, frame in ground.scratch.parts(f"places-{bucket}")]
    asks = pl.concat(asked)
    places = pl.concat(stand) if stand else _no_places(asks)
    schema = {"entity": pl.Int8, "epoch": pl.Int64, "index": pl.Int64}
    laid = logs.lay_down(places, asks, rebuilding, pl.DataFrame(list(unread), schema=schema, orient="row"))
    walker = LogWalker(ground.feature_set)
    matrix, status, at, times = (ground.scratch.table(name) for name in ("matrix", "status", "at", "times"))
    for found in logs.answer(laid, asks, walker):
        columns = walker.columns_of(found.entity)
        matrix[np.ix_(found.numbers, columns)] = found.matrix[:, columns]
        status[found.numbers, found.entity] = found.status
        at[found.numbers, found.entity] = found.at
        kept = found.is_kept
        times[found.numbers[kept]] = np.column_stack([found.times[kept], found.amounts[kept]])
    return int(laid.gaps.sum())


def _no_places(asks: pl.DataFrame) -> pl.DataFrame:
    words = [name for name in asks.columns if name.startswith(laying.WORD)]
    nothing = asks.head(0)
    added = {"index": pl.Int64, "tier": pl.Int8, "order": pl.Int64, "fault": pl.UInt8}
    return nothing.select(*laying.LOG, *(pl.lit(0).cast(t).alias(n) for n, t in added.items()), *words).head(
        0
    )


def compare_day(
    ground: Ground,
    days: Sequence[date],
    number: int,
    first: int,
    named: Sequence[Release],
    loaded: Loaded,
) -> DayCompared:
    """Recompute a part's decisions, which begin at ``first``, and hold them against what was captured.

    ``named`` are the releases that decided, ``loaded`` what became of their models.
    """
    part = part_name(number)
    decided = ground.scratch.get("decided", part)
    if not len(decided):
        return DayCompared(identical=0, stages={}, differences=[])
    span = slice(first, first + len(decided))
    payments = _payments(ground, days, decided, part, span)
    releases = releases_of(ground, named, loaded)
    seen = recomputing.Seen(
        decided["release_seq"].to_numpy(),
        decided["quality"].to_numpy(),
        decided["epoch"].to_numpy(),
        ground.scratch.get_array("versions", part),
    )
    again = recomputing.recompute(payments, seen, releases.deciding, ground.portfolio)
    names = ground.feature_set.names
    case = comparing.Case(
        decided=decided,
        faults=decided["fault"].to_list(),
        status=np.array(ground.scratch.table("status")[span]) | ground.scratch.get_array("status", part),
        at=np.array(ground.scratch.table("at")[span]),
        payments=payments,
        again=again,
        captured=read_captured(ground.scan, ground.portfolio, days, decided, len(names)),
        refusals=releases.refusals,
        features=names,
        entities=[entity.name for entity in ground.feature_set.entities],
    )
    found = comparing.stages(case)
    counts = np.bincount(found, minlength=len(STAGES) + 1).tolist()
    return DayCompared(
        identical=counts[comparing.SAME],
        stages={stage: count for stage, count in zip(STAGES, counts, strict=False) if count},
        differences=list(comparing.differences(case, found, SHOWN)),
    )


def _payments(
    ground: Ground, days: Sequence[date], decided: pl.DataFrame, part: str, span: slice
) -> recomputing.Payments:
    """The day's payments with their features, from bytes and logs."""
    event, amount = decided["accepted_ms"].to_numpy().copy(), decided["accepted_minor"].to_numpy().copy()
    flags = decided["accepted_flag"].to_numpy().copy()
    matrix = ground.scratch.get_array("own", part)
    program = ground.feature_set.program
    timeline = timeline_features_of(program)
    matrix[:, timeline] = ground.scratch.table("matrix")[span][:, timeline]
    times = np.array(ground.scratch.table("times")[span])
    rows = np.flatnonzero((times[:, 0] != 0) & ((times[:, 0] != event) | (times[:, 1] != amount)))
    if len(rows):
        raws = bytes_at(ground.scan, ground.portfolio, days, decided[PLACE].gather(rows))
        _restate(ground, raws, rows, times, (event, amount, flags), matrix)
    settle(program, arithmetic_of(program), matrix)
    recomputing.degrade(matrix, decided["quality"].to_numpy(), ground.feature_set)
    told = decided.select(
        tx_id=pl.coalesce("told_tx_id", "tx_id"),
        account_id=pl.col("told_account_id").cast(pl.String).fill_null(""),
        amount_minor=pl.col("told_amount_minor").cast(pl.Int64).fill_null(0),
        currency=pl.col("told_currency").cast(pl.String).fill_null(""),
    )
    inputs = ground.scratch.get_array("inputs", part)
    return recomputing.Payments(told, event, amount, flags, inputs, matrix)


def _restate(
    ground: Ground,
    raws: list[bytes],
    rows: NDArray[np.intp],
    times: NDArray[np.int64],
    counted: tuple[Any, Any, Any],
    matrix: NDArray[np.float64],
) -> None:
    """A payment that came again counts with the time and amount of its first copy."""
    event, amount, flags = counted
    event[rows], amount[rows] = times[rows, 0], times[rows, 1]
    records = read([KIND_TRANSACTION] * len(rows), raws, ground.limits.base_currency).records[:-1]
    payments = [record if isinstance(record, Transaction) else None for record in records]
    for row, tx in zip(rows.tolist(), payments, strict=True):
        flags[row] = int(tx is not None and event[row] < tx.event_time_ms)
    own = matrix[rows]
    Rowwise(ground.feature_set).fill(own, event[rows], amount[rows], payments)
    matrix[rows] = own
