"""`assay state`: what the logs hold, and whether they are what was captured. Synchronous, by redis-py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from zlib import crc32

import numpy as np
from msgspec import Struct

from shared.contracts.addresses import RedisAddress
from shared.features.trimming import BASE_BYTES, split_log

from . import epochs
from . import timeline_keys as names
from .timeline_client import TimelineClient
from .timeline_port import EpochState, StateLost
from .timeline_trim import LENGTHS

ID_OFFSET: Final = 16
"""Where a record's hash stands in every layout (`shared.features.layout`)."""


_LOGS_PER_READ: Final = 200
_HELD_ENTRIES: Final = 50_000

Log = tuple[str, str]
"""An entity and its id."""


class LogEntry(Struct, frozen=True, gc=False):
    """One captured record of one log: its place ``(epoch, index)`` and its bytes."""

    entity: str
    entity_id: str
    epoch: int
    index: int
    row: bytes


class Finding(Struct, frozen=True):
    """One record at fault: ``missing`` in the store, a ``gap`` in the captures, or its bytes ``differ``."""

    kind: str
    entity: str
    entity_id: str
    epoch: int
    index: int


class CheckReport(Struct, frozen=True):
    """``trimmed``: records that had left the logs. ``uncaptured_tail``: records after the last captured one
    of their log, normal in live traffic.

    ``findings`` stop at the limit, ``finding_count`` does not.
    """

    epoch: EpochState
    logs: int
    records: int
    trimmed: int
    uncaptured_tail: int
    finding_count: int
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Every captured record is in its log, and every record below was captured."""
        return self.finding_count == 0 and not self.epoch.rebuilding


class TimelineAdmin:
    """Looks at one portfolio's logs. Raises redis.RedisError when the server does not answer.

    ``buckets`` is what a rebuild lays logs down in; what is read says itself in how many it lies.
    """

    def __init__(
        self, address: RedisAddress, portfolio: str, record_bytes: int, layout: str, buckets: int = 1
    ) -> None:
        self.client = TimelineClient(address)
        self.portfolio = portfolio
        self.record_bytes = record_bytes
        self.layout = layout
        self.buckets = buckets

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

    def epoch(self) -> EpochState | None:
        """The current epoch, None in a store that has none."""
        value = self.client.command("GET", names.epoch_key(self.portfolio))
        return None if value is None else epochs.decode(value)

    def lengths(self, keys: Sequence[bytes]) -> list[int]:
        """How many records each log ever had, those that were trimmed too; logs of any buckets."""
        found: dict[bytes, int] = {}
        for some in names.by_bucket(self.portfolio, keys).values():
            lengths = self.client.script(LENGTHS, some, self.record_bytes, BASE_BYTES)
            found.update(zip(some, lengths, strict=True))
        return [found[key] for key in keys]

    def check(
        self,
        entries: Iterable[LogEntry],
        sample_ratio: float = 1.0,
        limit: int = 1_000,
        progress: Callable[[int], None] = lambda entries: None,
    ) -> CheckReport:
        """Compares captured logs with the store's, all or a fixed ``sample_ratio`` of them.

        ``entries``: grouped by log, each log's entries ordered by (epoch, index). Entries of the current
        epoch must stand at their index; those of earlier epochs must stand anywhere (a rebuild moved
        them), unless the current epoch is still rebuilding. What was trimmed is not looked for: the first
        records of a log, as many as its base says. Raises StateLost for a store without epoch.
        """
        state = self.epoch()
        if state is None:
            raise StateLost(b"")
        tally = _Tally(state, self.record_bytes, limit)
        waiting: dict[Log, list[LogEntry]] = {}
        read = held = 0
        for log, log_entries in grouped(entries):
            own = list(log_entries)
            read += len(own)
            if self._is_sampled(log, state, sample_ratio):
                waiting[log] = own
                held += len(own)
            if held >= _HELD_ENTRIES or len(waiting) >= _LOGS_PER_READ:
                self._compare(tally, state, waiting)
                progress(read)
                waiting, held = {}, 0
        self._compare(tally, state, waiting)
        progress(read)
        return tally.report()

    def _is_sampled(self, log: Log, state: EpochState, ratio: float) -> bool:
        """By a hash that knows no buckets, so that a rebuild into others does not change the sample."""
        name = names.entity_key(self.portfolio, state.number, *log)
        return (crc32(name) % 1_000_000) < ratio * 1_000_000

    def _compare(self, tally: _Tally, state: EpochState, logs: dict[Log, list[LogEntry]]) -> None:
        keys = [names.entity_key(self.portfolio, state.number, *log, state.buckets) for log in logs]
        found = self.client.pipelined(("GET", key) for key in keys)
        for (log, own), body in zip(logs.items(), found, strict=True):
            base, rows = split_log(body or b"", self.record_bytes)
            tally.compare(*log, own, base.index, rows)


def grouped(entries: Iterable[LogEntry]) -> Iterator[tuple[Log, Iterator[LogEntry]]]:
    """The entries of each log, as they come."""
    return groupby(entries, key=lambda entry: (entry.entity, entry.entity_id))


def record_ids(log: bytes, record_bytes: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """(n,) the records' hashes in the order of the log."""
    rows = np.frombuffer(log, np.uint8).reshape(-1, record_bytes)
    return np.ascontiguousarray(rows[:, ID_OFFSET : ID_OFFSET + 8]).view("<u8").reshape(-1)


def _row_id(row: bytes) -> bytes:
    return row[ID_OFFSET : ID_OFFSET + 8]


class _Tally:
    """Adds up what `TimelineAdmin.check` finds, log by log."""

    def __init__(self, state: EpochState, record_bytes: int, limit: int) -> None:
        self._state = state
        self._size = record_bytes
        self._limit = limit
        self._findings: list[Finding] = []
        self._count = self._logs = self._records = self._trimmed = self._tail = 0

    def compare(self, entity: str, entity_id: str, entries: list[LogEntry], base: int, log: bytes) -> None:
        """One log, whose first ``base`` records were trimmed, against its captured entries."""
        self._logs += 1
        self._records += len(entries)
        here = [entry for entry in entries if entry.epoch == self._state.number]
        current = {entry.index: entry for entry in here if entry.index >= base}
        # An epoch begins with the first copies of those before it, so they are the first that are trimmed.
        earlier = dict(list(self._first_copies(entries).items())[base:])
        rows = dict(enumerate(self._rows(log), base))
        self._trimmed += base
        found: dict[bytes, bytes] = {}
        for row in rows.values():
            found.setdefault(_row_id(row), row)
        for row_id, entry in earlier.items():
            if not self._state.rebuilding:
                self._judge(entry, found.get(row_id))
        for index, entry in current.items():
            self._judge(entry, rows.get(index))
        self._find_gaps(entity, entity_id, rows, current, earlier)

    def report(self) -> CheckReport:
        """What was found so far."""
        return CheckReport(
            epoch=self._state,
            logs=self._logs,
            records=self._records,
            trimmed=self._trimmed,
            uncaptured_tail=self._tail,
            finding_count=self._count,
            findings=tuple(self._findings),
        )

    def _rows(self, log: bytes) -> list[bytes]:
        return [log[at : at + self._size] for at in range(0, len(log), self._size)]

    def _first_copies(self, entries: list[LogEntry]) -> dict[bytes, LogEntry]:
        """Of earlier epochs: what a rebuild lays down."""
        first: dict[bytes, LogEntry] = {}
        for entry in entries:
            if entry.epoch != self._state.number:
                first.setdefault(_row_id(entry.row), entry)
        return first

    def _judge(self, entry: LogEntry, row: bytes | None) -> None:
        if row is None:
            self._add(Finding("missing", entry.entity, entry.entity_id, entry.epoch, entry.index))
        elif row != entry.row:
            self._add(Finding("differ", entry.entity, entry.entity_id, entry.epoch, entry.index))

    def _find_gaps(
        self,
        entity: str,
        entity_id: str,
        rows: Mapping[int, bytes],
        current: dict[int, LogEntry],
        earlier: dict[bytes, LogEntry],
    ) -> None:
        last = max(current, default=-1)
        for index, row in rows.items():
            if index in current or _row_id(row) in earlier:
                continue
            if index > last:
                self._tail += 1
            else:
                self._add(Finding("gap", entity, entity_id, self._state.number, index))

    def _add(self, finding: Finding) -> None:
        self._count += 1
        if len(self._findings) < self._limit:
            self._findings.append(finding)
