"""`assay state`: what the logs hold, and whether they are what was captured. Synchronous, by redis-py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, cast
from zlib import crc32

import numpy as np
import redis
from msgspec import Struct
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.contracts.addresses import RedisAddress

from . import epochs
from . import timeline_keys as names
from .timeline_port import EpochState, StateLost

ID_OFFSET: Final = 16
"""Where a record's hash stands in every layout (`shared.features.layout`)."""

_MANY: Final = 1_000


class LogEntry(Struct, frozen=True, gc=False):
    """One captured record of one log: its place ``(epoch, index)`` and its bytes."""

    entity: str
    entity_id: str
    epoch: int
    index: int
    row: bytes


class EntityUsage(Struct, frozen=True):
    """What one entity's logs take in the current epoch."""

    entity: str
    logs: int
    records: int
    bytes: int
    longest_log_records: int
    longest_log_id: str


class StateUsage(Struct, frozen=True):
    """What the store holds. ``is_complete`` False: ``entities`` count a sample of ``keys_looked_at`` keys."""

    epoch: EpochState | None
    is_frozen: bool
    entities: tuple[EntityUsage, ...]
    keys: int
    keys_looked_at: int
    is_complete: bool
    other_epoch_keys: int
    used_memory_bytes: int
    max_memory_bytes: int


class Finding(Struct, frozen=True):
    """One record at fault: ``missing`` in the store, a ``gap`` in the captures, or its bytes ``differ``."""

    kind: str
    entity: str
    entity_id: str
    epoch: int
    index: int


class CheckReport(Struct, frozen=True):
    """``uncaptured_tail``: records after the last captured one of their log, normal in live traffic.

    ``findings`` stop at the limit, ``finding_count`` does not.
    """

    epoch: EpochState
    logs: int
    records: int
    uncaptured_tail: int
    finding_count: int
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Every captured record is in its log, and every record below was captured."""
        return self.finding_count == 0 and not self.epoch.rebuilding


class TimelineAdmin:
    """Looks at one portfolio's logs. Raises redis.RedisError when the server does not answer."""

    def __init__(self, address: RedisAddress, portfolio: str, record_bytes: int, layout: str) -> None:
        # Never retried by the client: a repeated append is the caller's decision.
        self._redis = redis.Redis.from_url(address.url, **address.options(), retry=Retry(NoBackoff(), 0))
        self._execute: Callable[..., Any] = self._redis.execute_command
        self.portfolio = portfolio
        self.record_bytes = record_bytes
        self.layout = layout

    def close(self) -> None:
        """Closes the connections."""
        self._redis.close()

    def command(self, *parts: object) -> Any:
        """One command's reply."""
        return self._execute(*parts)

    def pipelined(self, commands: Iterable[Sequence[object]]) -> list[Any]:
        """The replies of several commands sent together."""
        with self._redis.pipeline(transaction=False) as pipe:
            queue: Callable[..., Any] = pipe.execute_command
            for parts in commands:
                queue(*parts)
            return pipe.execute()

    def epoch(self) -> EpochState | None:
        """The current epoch, None in a store that has none."""
        value = self.command("GET", names.epoch_key(self.portfolio))
        return None if value is None else epochs.decode(value)

    def keys(self, prefix: bytes) -> Iterator[list[bytes]]:
        """Keys that start with ``prefix``, in pages; a key may come twice. The server is never blocked."""
        cursor: object = 0
        pattern = names.glob_escaped(prefix) + b"*"
        while True:
            cursor, page = self.command("SCAN", cursor, "MATCH", pattern, "COUNT", _MANY)
            if page:
                yield page
            if int(cast(bytes, cursor)) == 0:
                return

    def usage(self, limit_keys: int = 1_000_000) -> StateUsage:
        """Logs, records and bytes per entity of the current epoch, after at most ``limit_keys`` keys."""
        state, memory = self.epoch(), self.command("INFO", "memory")
        sizes: dict[bytes, int] = {}
        others, is_complete = 0, True
        for page in self.keys(names.epochs_prefix(self.portfolio)):
            ours = [key for key in page if self._is_current(key, state)]
            others += sum(names.parse_key(self.portfolio, key) is not None for key in page) - len(ours)
            sizes.update(zip(ours, self.pipelined(("STRLEN", key) for key in ours), strict=True))
            if len(sizes) + others >= limit_keys:
                is_complete = False
                break
        return StateUsage(
            epoch=state,
            is_frozen=bool(self.command("EXISTS", names.freeze_key(self.portfolio))),
            entities=self._entities(sizes),
            keys=int(self.command("DBSIZE")),
            keys_looked_at=len(sizes) + others,
            is_complete=is_complete,
            other_epoch_keys=others,
            used_memory_bytes=int(memory["used_memory"]),
            max_memory_bytes=int(memory["maxmemory"]),
        )

    def check(
        self, entries: Iterable[LogEntry], sample_ratio: float = 1.0, limit: int = 1_000
    ) -> CheckReport:
        """Compares captured logs with the store's, all or a fixed ``sample_ratio`` of them.

        ``entries``: grouped by log, each log's entries ordered by (epoch, index). Entries of the current
        epoch must stand at their index; those of earlier epochs must stand anywhere (a rebuild moved
        them), unless the current epoch is still rebuilding. Raises StateLost for a store without epoch.
        """
        state = self.epoch()
        if state is None:
            raise StateLost(b"")
        tally = _Tally(state, self.record_bytes, limit)
        for (entity, entity_id), log_entries in grouped(entries):
            key = names.entity_key(self.portfolio, state.number, entity, entity_id)
            if (crc32(key) % 1_000_000) >= sample_ratio * 1_000_000:
                continue
            log = cast(bytes, self.command("GET", key) or b"")
            tally.compare(entity, entity_id, list(log_entries), log)
        return tally.report()

    def _is_current(self, key: bytes, state: EpochState | None) -> bool:
        name = names.parse_key(self.portfolio, key)
        return name is not None and state is not None and name.epoch == state.number

    def _entities(self, sizes: dict[bytes, int]) -> tuple[EntityUsage, ...]:
        logs: dict[str, list[tuple[int, bytes]]] = {}
        for key, size in sizes.items():
            name = names.parse_key(self.portfolio, key)
            if name is not None:
                logs.setdefault(name.entity, []).append((size, name.entity_id))
        return tuple(self._entity(entity, found) for entity, found in sorted(logs.items()))

    def _entity(self, entity: str, found: list[tuple[int, bytes]]) -> EntityUsage:
        total, longest = sum(size for size, _ in found), max(found)
        return EntityUsage(
            entity=entity,
            logs=len(found),
            records=total // self.record_bytes,
            bytes=total,
            longest_log_records=longest[0] // self.record_bytes,
            longest_log_id=longest[1].decode(errors="replace"),
        )


def grouped(entries: Iterable[LogEntry]) -> Iterator[tuple[tuple[str, str], Iterator[LogEntry]]]:
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
        self._count = self._logs = self._records = self._tail = 0

    def compare(self, entity: str, entity_id: str, entries: list[LogEntry], log: bytes) -> None:
        """One log against its captured entries."""
        self._logs += 1
        self._records += len(entries)
        current = {entry.index: entry for entry in entries if entry.epoch == self._state.number}
        earlier = self._first_copies(entries)
        rows = self._rows(log)
        found: dict[bytes, bytes] = {}
        for row in rows:
            found.setdefault(_row_id(row), row)
        for row_id, entry in earlier.items():
            if not self._state.rebuilding:
                self._judge(entry, found.get(row_id))
        for index, entry in current.items():
            self._judge(entry, rows[index] if index < len(rows) else None)
        self._find_gaps(entity, entity_id, rows, current, earlier)

    def report(self) -> CheckReport:
        """What was found so far."""
        return CheckReport(
            self._state, self._logs, self._records, self._tail, self._count, tuple(self._findings)
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
        rows: list[bytes],
        current: dict[int, LogEntry],
        earlier: dict[bytes, LogEntry],
    ) -> None:
        last = max(current, default=-1)
        for index, row in enumerate(rows):
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
