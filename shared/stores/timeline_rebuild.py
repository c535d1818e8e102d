"""`assay state rebuild`: lays captured logs down as the next epoch while workers go on, then switches.

1. Claim: a token and a fresh epoch number. A later rebuild takes the claim over; the earlier one then stops.
2. Lay down the first copy of every captured record under the new number, in captured order.
3. Copy over what the current epoch's logs hold beyond; again, until little is left.
4. Freeze: for the last pass no append is taken. The mark expires by itself, so a dead rebuild blocks nobody.
5. Switch the epoch key in one script that checks claim, freeze and the epoch it started from. Other buckets
   switch before bucket 0, which decides; all stay frozen until then, so no append is taken in between.
6. Delete the logs of all earlier epochs.

Killed anywhere, it can be run again: nothing but the switch changes what workers use.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import redis
from msgspec import Struct

from shared.features.trimming import split_log

from . import epochs
from . import timeline_keys as names
from .timeline_admin import ID_OFFSET, LogEntry, TimelineAdmin, grouped, record_ids
from .timeline_port import EpochState

FREEZE_MS: Final = 10_000
_BATCH_BYTES: Final = 4_000_000
_LOGS_PER_READ: Final = 200
_PASSES: Final = 4
_SMALL_PASS_RECORDS: Final = 2_000

_ALLOT: Final = """
local value = redis.call('GET', KEYS[1]) or ''
local current = tonumber(string.match(value, '^%d+') or '0')
local number = math.max(current, tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[1])) + 1
redis.call('SET', KEYS[2], string.format('%d', number))
return {number, value}
"""
"""KEYS epoch, allotted; ARGV at least."""

_CLAIM: Final = """
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return redis.call('GET', KEYS[3]) or ''
"""
"""KEYS claim, frozen, epoch of a bucket; ARGV token."""

_LAY: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('CLAIMLOST') end
local lengths = {}
for i = 2, #KEYS do lengths[i - 1] = redis.call('APPEND', KEYS[i], ARGV[i]) end
return lengths
"""
"""KEYS claim, logs; ARGV token, rows of each log."""

_FREEZE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('CLAIMLOST') end
local mark = redis.call('GET', KEYS[2])
if ARGV[3] == 'renew' and mark ~= ARGV[1] then return redis.error_reply('CLAIMLOST') end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""KEYS claim, frozen; ARGV token, ms, set or renew."""

_SWITCH: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[1]
  or (redis.call('GET', KEYS[3]) or '') ~= ARGV[2] then return redis.error_reply('CLAIMLOST') end
redis.call('SET', KEYS[3], ARGV[3])
return 1
"""
"""KEYS claim, frozen, epoch of a bucket; ARGV token, epoch value expected, new epoch value."""

_RELEASE: Final = """
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
return 1
"""
"""KEYS claim, frozen of a bucket; ARGV token."""


class RebuildFailed(Exception):
    """The rebuild stopped. Unless ``str()`` says so it did not switch, and workers were not touched."""


class RebuildReport(Struct, frozen=True):
    """What was done. ``repeats``: captured again under a later index, laid down once."""

    epoch: int
    logs: int
    records: int
    repeats: int
    copied_over: int
    deleted_keys: int


Progress = Callable[[str, int], None]
"""Called with the stage (lay, copy, freeze, switch, delete) and how many of it are done: records laid down,
logs looked through, the epoch, keys deleted."""


def rebuild(
    admin: TimelineAdmin,
    entries: Iterable[LogEntry],
    at_least: int = 0,
    progress: Progress = lambda stage, done: None,
) -> RebuildReport:
    """Rebuilds all logs from ``entries`` and switches to them.

    ``entries``: grouped by log, each log's entries ordered by (epoch, index). ``at_least``: the highest
    epoch number in them. Raises RebuildFailed; ValueError for entries out of order.
    """
    work = _Rebuild(admin, progress)
    try:
        return work.run(entries, at_least)
    except redis.RedisError as error:
        when = (
            "after the switch; the next rebuild deletes the rest" if work.is_switched else "before the switch"
        )
        raise RebuildFailed(f"stopped {when}: {error}") from error


class _Rebuild:
    def __init__(self, admin: TimelineAdmin, progress: Progress) -> None:
        self._admin = admin
        self._client = admin.client
        self._progress = progress
        self._size = admin.record_bytes
        self._token = secrets.token_hex(8).encode()
        self.is_switched = False
        self._number = 0
        self._current: EpochState | None = None
        self._found: list[bytes] = []
        self._copied: dict[bytes, int] = {}
        self._logs = self._records = self._repeats = self._over = 0

    def run(self, entries: Iterable[LogEntry], at_least: int) -> RebuildReport:
        self._claim(at_least)
        self._delete_other_epochs()
        self._lay_all(entries)
        for _ in range(_PASSES):
            if self._copy_over() <= _SMALL_PASS_RECORDS:
                break
        self._freeze("set")
        self._copy_over(frozen=True)
        self._switch()
        self._current = None
        deleted = self._delete_other_epochs()
        return RebuildReport(self._number, self._logs, self._records, self._repeats, self._over, deleted)

    def _claim(self, at_least: int) -> None:
        portfolio = self._admin.portfolio
        keys = [names.epoch_key(portfolio), names.allotted_key(portfolio)]
        self._number, value = self._client.script(_ALLOT, keys, at_least)
        self._current = epochs.decode(value) if value else None
        if self._current is not None and self._current.layout != self._admin.layout:
            raise RebuildFailed(f"the current epoch has layout {self._current.layout}, not this portfolio's")
        self._found = [self._client.script(_CLAIM, keys, self._token) for keys in self._guards()]
        if self._found[0] != value:
            raise RebuildFailed("stopped before the switch: the epoch moved")

    def _guards(self) -> list[list[bytes]]:
        """Claim, freeze mark and epoch of every bucket, those that only the current epoch has too."""
        now = 1 if self._current is None else self._current.buckets
        portfolio = self._admin.portfolio
        return [
            [make(portfolio, bucket) for make in (names.claim_key, names.freeze_key, names.epoch_key)]
            for bucket in range(max(now, self._admin.buckets))
        ]

    def _lay_all(self, entries: Iterable[LogEntry]) -> None:
        waiting: dict[bytes, list[bytes]] = {}
        size = 0
        for (entity, entity_id), log_entries in grouped(entries):
            key = names.entity_key(
                self._admin.portfolio, self._number, entity, entity_id, self._admin.buckets
            )
            rows = list(self._first_copies(log_entries))
            if key in waiting:
                raise ValueError(f"entries of {entity} {entity_id} do not stand together")
            waiting[key] = rows
            size += len(rows) * self._size
            if size >= _BATCH_BYTES or len(waiting) >= _LOGS_PER_READ:
                self._lay_fresh(waiting)
                waiting, size = {}, 0
        self._lay_fresh(waiting)

    def _first_copies(self, entries: Iterable[LogEntry]) -> Iterator[bytes]:
        """Rows of one log in captured order, each id once. Raises ValueError."""
        seen: set[bytes] = set()
        last = (-1, -1)
        for entry in entries:
            place = (entry.epoch, entry.index)
            if place <= last or entry.epoch >= self._number or len(entry.row) != self._size:
                raise ValueError(f"entry {place} of {entry.entity} {entry.entity_id} is out of order or size")
            last, row_id = place, entry.row[ID_OFFSET : ID_OFFSET + 8]
            if row_id in seen:
                self._repeats += 1
                continue
            seen.add(row_id)
            yield entry.row

    def _lay_fresh(self, logs: dict[bytes, list[bytes]]) -> None:
        """Lays whole logs down and proves that nothing stood there before."""
        joined = {key: b"".join(rows) for key, rows in logs.items()}
        if self._lay(joined) != {key: len(rows) for key, rows in joined.items()}:
            raise ValueError("a log came twice: its entries do not stand together")
        self._logs += len(joined)
        self._records += sum(len(rows) for rows in logs.values())
        self._progress("lay", self._records)

    def _lay(self, logs: dict[bytes, bytes]) -> dict[bytes, int]:
        """Appends rows to logs, bucket by bucket; returns how long each log is then."""
        portfolio = self._admin.portfolio
        lengths: dict[bytes, int] = {}
        for bucket, some in names.by_bucket(portfolio, logs).items():
            keys = [names.claim_key(portfolio, bucket), *some]
            found = self._client.script(_LAY, keys, self._token, *(logs[key] for key in some))
            lengths.update(zip(some, found, strict=True))
        return lengths

    def _copy_over(self, frozen: bool = False) -> int:
        """Appends what the current epoch's logs hold beyond what was copied; returns how many records."""
        if self._current is None:
            return 0
        before, seen = self._over, 0
        for page in self._client.scan(names.keys_pattern(self._admin.portfolio, self._current.number)):
            keys = [key for key in page if names.parse_key(self._admin.portfolio, key)]
            for first in range(0, len(keys), _LOGS_PER_READ):
                self._copy_logs(keys[first : first + _LOGS_PER_READ])
            seen += len(keys)
            if frozen:
                self._freeze("renew")
            else:
                self._progress("copy", seen)
        self._progress("freeze" if frozen else "copy", seen)
        return self._over - before

    def _copy_logs(self, keys: list[bytes]) -> None:
        lengths = self._admin.lengths(keys)
        grown = [key for key, n in zip(keys, lengths, strict=True) if n > self._copied.get(key, 0)]
        replies = self._client.pipelined(("GET", key) for key in [*grown, *map(self._target, grown)])
        fresh: dict[bytes, bytes] = {}
        for key, log, laid in zip(grown, replies, replies[len(grown) :], strict=False):
            base, beyond = split_log(log or b"", self._size)
            known = self._copied.get(key, 0)
            self._copied[key] = base.index + len(beyond) // self._size
            if rows := self._new_rows(beyond[max(known - base.index, 0) * self._size :], laid or b""):
                fresh[self._target(key)] = rows
        self._lay(fresh)
        self._over += sum(len(rows) for rows in fresh.values()) // self._size

    def _target(self, key: bytes) -> bytes:
        name = names.parse_key(self._admin.portfolio, key)
        assert name is not None
        return names.log_key(self._admin.portfolio, name._replace(epoch=self._number), self._admin.buckets)

    def _new_rows(self, rows: bytes, laid: bytes) -> bytes:
        """The rows whose id is not in ``laid``, first copies only, in their order."""
        ids = record_ids(rows, self._size)
        _, first = np.unique(ids, return_index=True)
        is_first = np.zeros(len(ids), dtype=bool)
        is_first[first] = True
        is_new = is_first & ~np.isin(ids, record_ids(laid, self._size))
        return np.frombuffer(rows, np.uint8).reshape(-1, self._size)[is_new].tobytes()

    def _freeze(self, how: str) -> None:
        """Bucket 0 first: while its mark stands, so do those that were set after it."""
        for claim, frozen, _ in self._guards():
            self._client.script(_FREEZE, [claim, frozen], self._token, FREEZE_MS, how)

    def _switch(self) -> None:
        """Bucket 0 last: until its epoch has changed, `start` of a worker brings the others back to it."""
        new = epochs.encode(EpochState(self._number, False, self._admin.layout, self._admin.buckets))
        buckets = list(zip(self._guards(), self._found, strict=True))
        for keys, found in reversed(buckets):
            self._client.script(_SWITCH, keys, self._token, found, new)
        self.is_switched = True
        for claim, frozen, _ in reversed(self._guards()):
            self._client.script(_RELEASE, [claim, frozen], self._token)
        self._progress("switch", self._number)

    def _delete_other_epochs(self) -> int:
        """Deletes logs that are neither the current epoch's nor of this rebuild or a later epoch."""
        kept = self._current.number if self._current is not None else None
        deleted = 0
        for page in self._client.scan(names.keys_pattern(self._admin.portfolio)):
            old = [key for key in page if self._is_old(key, kept)]
            deleted += sum(self._client.pipelined(("UNLINK", key) for key in old))
            if old:
                self._progress("delete", deleted)
        self._progress("delete", deleted)
        return deleted

    def _is_old(self, key: bytes, kept: int | None) -> bool:
        name = names.parse_key(self._admin.portfolio, key)
        return name is not None and name.epoch < self._number and name.epoch != kept
