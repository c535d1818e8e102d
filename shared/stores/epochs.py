"""Epochs: which generation of logs takes appends, and how one goes on or ends after a loss of data."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, Final

from msgspec import Struct

from .timeline_port import CapturedEnd, EpochState, StoreError, StoreRefused

LOCK_MS: Final = 10_000
_LOCK_POLL_S: Final = 0.05
_COMPARE_MANY: Final = 1_000

ENSURE: Final = b"""
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  redis.call('SET', KEYS[2], ARGV[2])
  redis.call('SET', KEYS[3], '1')
end
return 1
"""
"""KEYS epoch, run, allotted; ARGV first epoch, run id."""

SETTLE: Final = b"""
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return redis.error_reply('TRYAGAIN the lock is lost') end
local current = redis.call('GET', KEYS[2]) or ''
if current ~= ARGV[3] then return redis.error_reply('TRYAGAIN the epoch moved') end
redis.call('SET', KEYS[3], ARGV[7])
if ARGV[1] == '1' then return current end
local at_least = math.max(tonumber(ARGV[4]), tonumber(redis.call('GET', KEYS[4]) or '0'))
local number = string.format('%d', at_least + 1)
local value = number .. ARGV[8] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6]
redis.call('SET', KEYS[4], number)
redis.call('SET', KEYS[2], value)
redis.call('DEL', KEYS[5])
return value
"""
"""KEYS lock, epoch, run, allotted, frozen.

ARGV whole (1 or 0), token, expected epoch, at least, quality, layout, run id, buckets as `spread`.
"""

GUARD: Final = b"""
local held = redis.call('GET', KEYS[1]) or ''
if held ~= ARGV[1] then
  if held ~= ARGV[2] or (ARGV[4] == '1' and redis.call('EXISTS', KEYS[2]) == 1) then return 0 end
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
end
redis.call('SET', KEYS[3], ARGV[3])
return 1
"""
"""Brings another bucket to the epoch that bucket 0 decided; 0 if somebody else is about to.

KEYS epoch, frozen, run of the bucket; ARGV epoch, what was found there, run id, 1 if it is no new epoch: a
rebuild that has frozen the bucket may be about to switch.
"""

_RENEW: Final = b"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('TRYAGAIN the lock is lost') end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE: Final = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"

Command = Callable[..., Awaitable[Any]]
Script = Callable[[bytes, list[bytes], list[bytes]], Awaitable[Any]]
Lengths = Callable[[list[CapturedEnd]], Awaitable[list[int]]]


def spread(buckets: int) -> str:
    """What follows the number of an epoch whose logs lie in more than one bucket."""
    return "" if buckets == 1 else f"/{buckets}"


def encode(state: EpochState) -> bytes:
    """The epoch key's value: number and buckets, quality, layout."""
    quality = "rebuilding" if state.rebuilding else "exact"
    return f"{state.number}{spread(state.buckets)} {quality} {state.layout}".encode()


def decode(value: bytes) -> EpochState:
    """The state in an epoch key's value. Raises ValueError for other bytes."""
    number, quality, layout = value.decode().split(" ", 2)
    number, _, buckets = number.partition("/")
    return EpochState(int(number), quality == "rebuilding", layout, int(buckets or 1))


def refuse_shape(found: EpochState, layout: str, buckets: int) -> None:
    """Raises StoreRefused where an epoch was laid down in another shape than the one configured."""
    if found.layout != layout:
        raise StoreRefused(f"timelines hold layout {found.layout}, this portfolio compiles to {layout}")
    if found.buckets != buckets:
        raise StoreRefused(
            f"timelines lie in {found.buckets} buckets, state_buckets says {buckets}: set it back, or run "
            "`assay state rebuild` with the new number and restart the workers"
        )


class Ends(Struct, frozen=True):
    """Ends of logs gathered from captures and caches: highest index by (epoch, entity, id)."""

    highest_epoch: int
    indices: dict[tuple[int, str, str], int]

    def of(self, epoch: int) -> list[CapturedEnd]:
        """The ends of one epoch."""
        return [
            CapturedEnd(name, own, e, index) for (e, name, own), index in self.indices.items() if e == epoch
        ]


class Loss(Struct, frozen=True):
    """What a comparison found: whether all logs are whole, and the highest epoch named (0: no history)."""

    is_whole: bool
    at_least: int


async def gather(ends: AsyncIterable[CapturedEnd], at_least: int) -> Ends:
    """Reads ``ends`` to its end; done before the lock is taken, for it may be slow."""
    indices: dict[tuple[int, str, str], int] = {}
    highest = at_least
    async for end in ends:
        name = (end.epoch, end.entity, end.entity_id)
        indices[name] = max(indices.get(name, -1), end.index)
        highest = max(highest, end.epoch)
    return Ends(highest, indices)


async def compare(ends: Ends, current: EpochState | None, lost: bool, lengths: Lengths) -> Loss:
    """Whether ``current`` may go on: it exists, no higher epoch is known, no log is too short."""
    if current is None or lost or ends.highest_epoch > current.number:
        return Loss(False, max(ends.highest_epoch, 0 if current is None else current.number))
    known = ends.of(current.number)
    for first in range(0, len(known), _COMPARE_MANY):
        some = known[first : first + _COMPARE_MANY]
        found = await lengths(some)
        if any(length <= end.index for end, length in zip(some, found, strict=True)):
            return Loss(False, current.number)
    return Loss(True, current.number)


class Lock:
    """A lock kept in Redis: one holder, ends by itself after `LOCK_MS` unless renewed."""

    def __init__(self, command: Command, script: Script, key: bytes) -> None:
        self._command = command
        self._script = script
        self._key = key
        self.token = secrets.token_hex(8).encode()

    async def __aenter__(self) -> Lock:
        claim = (b"SET", self._key, self.token, b"NX", b"PX", b"%d" % LOCK_MS)
        while await self._command(*claim) is None:  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(_LOCK_POLL_S)
        return self

    async def renew(self) -> None:
        """Raises StoreAway if another worker holds the lock by now."""
        await self._script(_RENEW, [self._key], [self.token, b"%d" % LOCK_MS])

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._script(_RELEASE, [self._key], [self.token])
        except StoreError:
            return  # it ends by itself
