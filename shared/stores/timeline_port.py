"""The timeline store as a port: what is asked, what comes back, what may go wrong.

One behaviour suite runs over `timeline_redis.RedisTimelines` and `timeline_memory.MemoryTimelines`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .timeline_trim import Choose

STATE_WAIT_MS: Final = 2_000
"""How long an append waits for its answer unless the caller says otherwise."""


Integers = Sequence[int] | NDArray[np.int64]


class AppendCall(Struct, frozen=True):
    """One micro-batch: append my rows to each log and tell me what I had not seen.

    ``keys`` are unique. ``known[i]`` is how many records of log i this worker has, ``counts[i]`` how
    many of its rows follow in ``rows``, which holds the rows of all logs in key order. A count of 0
    only reads.
    """

    epoch: int
    keys: list[bytes]
    known: Integers
    counts: Integers
    rows: bytes

    def check(self, record_bytes: int) -> None:
        """Raises ValueError where the parts do not fit together."""
        if not len(self.keys) == len(self.known) == len(self.counts):
            raise ValueError("keys, known and counts differ in length")
        count = int(np.sum(self.counts))
        if count * record_bytes != len(self.rows):
            raise ValueError(f"{count} records of {record_bytes} bytes are not {len(self.rows)}")


class AppendReply(Struct, frozen=True):
    """``starts``: per log the index of my first row (with count 0: the log's length), u64, little endian.

    ``unseen``: the bytes from ``known`` to there of all logs, in key order. ``bases`` is empty unless a log
    was trimmed beyond ``known``: then per log `trimming.BASE_BYTES` bytes, the base that its unseen records
    start at, or zeros for a log whose unseen records start at ``known``.
    """

    starts: bytes
    unseen: bytes
    bases: bytes = b""


class EpochState(Struct, frozen=True):
    """The epoch that takes appends; ``rebuilding``: it started empty after a loss of data.

    ``buckets``: in how many parts its logs lie, each with a hash tag of its own.
    """

    number: int
    rebuilding: bool
    layout: str
    buckets: int = 1


class CapturedEnd(Struct, frozen=True):
    """What is known of a log from outside the store: the highest index that was seen in an epoch."""

    entity: str
    entity_id: str
    epoch: int
    index: int


class StoreError(Exception):
    """The store did not do what was asked. ``reason`` is a code of `contracts.reasons`."""

    reason = "redis_away"


class StoreAway(StoreError):
    """No connection, or no answer in time. ``maybe_applied``: the call may still have been carried out."""

    def __init__(self, text: str, maybe_applied: bool) -> None:
        super().__init__(text)
        self.maybe_applied = maybe_applied


class StoreFull(StoreError):
    """The store refuses writes (OOM, MISCONF, READONLY): stop, never degrade."""

    reason = "redis_full"


class StoreRefused(StoreError):
    """The store will never do this (rights, wrong type, wrong layout): a matter of configuration."""

    reason = "layout_mismatch"


class EpochChanged(StoreError):
    """Another epoch takes appends, or none for a moment (``frozen``).

    Nothing was appended, except to other buckets than the one that refused.
    """

    reason = "epoch_changed"

    def __init__(self, current: int, frozen: bool = False) -> None:
        super().__init__(f"epoch {current}{' is frozen' if frozen else ''}")
        self.current = current
        self.frozen = frozen


class StateLost(StoreError):
    """Log ``key`` is shorter than known, or (``b""``) there is no epoch at all.

    Nothing was appended, except to other buckets than the one that refused.
    """

    reason = "state_lost"

    def __init__(self, key: bytes) -> None:
        super().__init__(f"log {key!r} is shorter than known" if key else "the store holds no epoch")
        self.key = key


class TimelineStore(Protocol):
    """Append-only logs of fixed-size records, one per entity, shared by many writers."""

    async def start(self) -> bool:
        """Connects, or connects again after `StoreAway`.

        True: the store was restarted since its contents were last checked, so drop what is cached and
        `recover` before any append. Raises StoreAway, StoreRefused.
        """

    async def stop(self) -> None:
        """Closes the connection; calls in flight fail with `StoreAway`."""

    def append(self, call: AppendCall, wait_ms: int = STATE_WAIT_MS) -> asyncio.Future[AppendReply]:
        """Sends at once and answers later, so a second call may follow before the first is answered.

        Answers come in the order of the calls. After an error every later call in flight fails with
        ``StoreAway(maybe_applied=True)`` and the connection is closed: `start` again and send again
        from the first unanswered call, in order. The future raises StoreAway, StoreFull, StoreRefused,
        EpochChanged, StateLost. Raises ValueError at once for a call that does not fit together.
        """

    async def epoch(self) -> EpochState:
        """The epoch that takes appends. Raises ``StateLost(b"")`` if there is none, StoreAway."""

    async def ensure_epoch(self) -> EpochState:
        """The current epoch; an empty store gets epoch 1. Only for a portfolio without any history."""

    async def trim(self, epoch: int, key: bytes, choose: Choose) -> int:
        """Cuts a log's first records off, where ``choose``, called in a thread, says so: how many left.

        Atomic among appends and other cuts: one that comes too late, or in another epoch, or while no append
        is taken, does nothing. Appends of other stores wait for no more than the copy of what stays; those
        of this one wait until the log was read too.
        Raises StoreAway, StoreFull, StoreRefused.
        """

    async def recover(
        self, ends: AsyncIterable[CapturedEnd], *, at_least: int, held: int, lost: bool
    ) -> EpochState:
        """Settles which epoch goes on after the store may have lost data; one worker does it at a time.

        ``ends``: the last minutes of captures and the caller's own cache; ``at_least``: the highest
        epoch number seen anywhere (0: no history); ``held``: the epoch the caller worked in (0: none);
        ``lost``: a log was found shorter than known. All logs long enough: the same epoch goes on, else
        a new one starts empty. The caller drops its cache in either case.
        Raises StoreAway, StoreFull, StoreRefused.
        """
