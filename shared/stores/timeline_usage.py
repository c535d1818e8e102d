"""What the timelines take in Redis, entity by entity: counted, and weighed by a sample."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from . import timeline_keys as names
from .timeline_admin import TimelineAdmin
from .timeline_port import EpochState

SAMPLE_LOGS: Final = 1_000
"""Logs of an entity that Redis is asked to weigh; SCAN brings them in the order of a hash, at random."""

KEY_BYTES: Final = 150
"""About what a log takes beside its records; it only spreads what the sample weighs, it adds nothing."""


class EntityUsage(Struct, frozen=True):
    """What one entity's logs take in the current epoch.

    ``bytes`` are those of the records. ``redis_bytes`` is what Redis counts for them with key, table entry
    and spare room (MEMORY USAGE), estimated from ``sampled_logs`` of them.
    """

    entity: str
    logs: int
    records: int
    bytes: int
    redis_bytes: int
    sampled_logs: int
    longest_log_records: int
    longest_log_id: str

    @property
    def redis_bytes_per_log(self) -> int:
        """Of one entity on average."""
        return self.redis_bytes // max(self.logs, 1)


class StateUsage(Struct, frozen=True):
    """What the store holds. ``is_complete`` False: ``entities`` count a sample of ``keys_looked_at`` keys.

    The memory is that of all nodes together; 0 for ``max_memory_bytes`` is no limit.
    """

    epoch: EpochState | None
    is_frozen: bool
    entities: tuple[EntityUsage, ...]
    keys: int
    keys_looked_at: int
    is_complete: bool
    other_epoch_keys: int
    used_memory_bytes: int
    max_memory_bytes: int


class _Tally:
    """Adds up the logs of one entity."""

    def __init__(self, record_bytes: int) -> None:
        self._record_bytes = record_bytes
        self.logs = self.records = self.bytes = self.sampled = self.sampled_bytes = self.weighed_bytes = 0
        self.longest = (-1, b"")

    def add(self, name: names.LogName, size: int) -> None:
        self.logs += 1
        self.records += size // self._record_bytes
        self.bytes += size
        self.longest = max(self.longest, (size, name.entity_id))

    def weigh(self, size: int, weight: int) -> None:
        self.sampled += 1
        self.sampled_bytes += size
        self.weighed_bytes += weight

    def usage(self, entity: str) -> EntityUsage:
        ratio = self.weighed_bytes / max(self.sampled_bytes + KEY_BYTES * self.sampled, 1)
        return EntityUsage(
            entity=entity,
            logs=self.logs,
            records=self.records,
            bytes=self.bytes,
            redis_bytes=round(ratio * (self.bytes + KEY_BYTES * self.logs)),
            sampled_logs=self.sampled,
            longest_log_records=self.longest[0] // self._record_bytes,
            longest_log_id=self.longest[1].decode(errors="replace"),
        )


class _Count:
    def __init__(self, admin: TimelineAdmin, state: EpochState | None) -> None:
        self._admin = admin
        self._state = state
        self._seen: set[int] = set()
        self.tallies: dict[str, _Tally] = {}
        self.others = 0

    @property
    def keys(self) -> int:
        return len(self._seen) + self.others

    def take(self, page: list[bytes]) -> None:
        """Count the logs of a page; a key that came before is left out, told by its hash."""
        current: dict[bytes, names.LogName] = {}
        for key in page:
            name = names.parse_key(self._admin.portfolio, key)
            if name is None:
                continue
            if self._state is None or name.epoch != self._state.number:
                self.others += 1
            elif hash(key) not in self._seen:
                self._seen.add(hash(key))
                current[key] = name
        sizes = self._admin.client.pipelined(("STRLEN", key) for key in current)
        for name, size in zip(current.values(), sizes, strict=True):
            self.tallies.setdefault(name.entity, _Tally(self._admin.record_bytes)).add(name, size)
        self._weigh(dict(zip(current, sizes, strict=True)), current)

    def _weigh(self, sizes: dict[bytes, int], found: dict[bytes, names.LogName]) -> None:
        wanted = [key for key, name in found.items() if self.tallies[name.entity].sampled < SAMPLE_LOGS]
        weights = self._admin.client.pipelined(("MEMORY", "USAGE", key) for key in wanted)
        for key, weight in zip(wanted, weights, strict=True):
            self.tallies[found[key].entity].weigh(sizes[key], weight or 0)


def look(admin: TimelineAdmin, limit_keys: int = 1_000_000) -> StateUsage:
    """Logs, records and bytes per entity of the current epoch, after at most ``limit_keys`` keys.

    Raises redis.RedisError.
    """
    state = admin.epoch()
    count, is_complete = _Count(admin, state), True
    for page in admin.client.scan(names.keys_pattern(admin.portfolio)):
        count.take(page)
        if count.keys >= limit_keys:
            is_complete = False
            break
    memory: list[dict[str, Any]] = admin.client.on_each_node("INFO", "memory")
    found = sorted(count.tallies.items())
    return StateUsage(
        epoch=state,
        is_frozen=bool(admin.client.command("EXISTS", names.freeze_key(admin.portfolio))),
        entities=tuple(tally.usage(entity) for entity, tally in found),
        keys=sum(map(int, admin.client.on_each_node("DBSIZE"))),
        keys_looked_at=count.keys,
        is_complete=is_complete,
        other_epoch_keys=count.others,
        used_memory_bytes=sum(int(node["used_memory"]) for node in memory),
        max_memory_bytes=sum(int(node["maxmemory"]) for node in memory),
    )
