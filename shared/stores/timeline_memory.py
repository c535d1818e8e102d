"""The timeline store in one process: what tests and replay use; same promises as `timeline_redis`.

Several `MemoryTimelines` on one `MemoryServer` are several workers on one Redis.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterable

from shared.features.trimming import BASE_BYTES, WHOLE, Base, decode_base, split_log

from . import epochs
from . import timeline_keys as names
from .timeline_port import (
    STATE_WAIT_MS,
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochChanged,
    EpochState,
    StateLost,
    StoreAway,
    StoreError,
)
from .timeline_trim import Choose


class MemoryServer:
    """What the logs hold, outside any worker. ``refuse`` makes the next append fail with an error."""

    def __init__(self) -> None:
        self.logs: dict[bytes, bytearray] = {}
        self.current: EpochState | None = None
        self.allotted = 0
        self.frozen = False
        self.run = 1
        self.checked_run = 0
        self.refuse: StoreError | None = None
        self.lock = asyncio.Lock()

    def flush(self) -> None:
        """Loses everything, as FLUSHALL does."""
        self.logs.clear()
        self.current, self.allotted, self.frozen, self.checked_run = None, 0, False, 0

    def restart(self) -> None:
        """Another process over the same data: every connection is gone."""
        self.run += 1


class MemoryTimelines:
    """`timeline_port.TimelineStore` over a `MemoryServer`."""

    def __init__(
        self, server: MemoryServer, portfolio: str, record_bytes: int, layout: str, buckets: int = 1
    ) -> None:
        self._server = server
        self._portfolio = portfolio
        self._record_bytes = record_bytes
        self._layout = layout
        self._buckets = buckets
        self._run = 0
        self._is_open = False

    async def start(self) -> bool:
        current = self._server.current
        if current is not None:
            epochs.refuse_shape(current, self._layout, self._buckets)
        restarted = any(known not in (0, self._server.run) for known in (self._server.checked_run, self._run))
        self._run = self._server.run
        self._is_open = True
        return restarted

    async def stop(self) -> None:
        self._is_open = False

    def append(self, call: AppendCall, wait_ms: int = STATE_WAIT_MS) -> asyncio.Future[AppendReply]:
        call.check(self._record_bytes)
        future: asyncio.Future[AppendReply] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._append(call))
        except StoreError as error:
            self._is_open = False
            future.set_exception(error)
            future.exception()  # a void call nobody asks about is no leak
        return future

    async def epoch(self) -> EpochState:
        self._check_open()
        if self._server.current is None:
            raise StateLost(b"")
        return self._server.current

    async def ensure_epoch(self) -> EpochState:
        self._check_open()
        if self._server.current is None:
            self._server.current = EpochState(1, False, self._layout, self._buckets)
            self._server.allotted, self._server.checked_run = 1, self._run
        return self._server.current

    async def trim(self, epoch: int, key: bytes, choose: Choose) -> int:
        self._check_open()
        server = self._server
        base, rows = split_log(bytes(server.logs.get(key, b"")), self._record_bytes)
        chosen = choose(base, rows)
        is_current = server.current is not None and server.current.number == epoch and not server.frozen
        if chosen.index == base.index or not is_current:
            return 0
        left = chosen.index - base.index
        server.logs[key] = bytearray(chosen.encode() + rows[left * self._record_bytes :])
        return left

    async def recover(
        self, ends: AsyncIterable[CapturedEnd], *, at_least: int, held: int, lost: bool
    ) -> EpochState:
        self._check_open()
        known = await epochs.gather(ends, at_least)
        async with self._server.lock:
            current = self._server.current
            if current is not None and current.number > held > 0 and self._server.checked_run == self._run:
                return current
            loss = await epochs.compare(known, current, lost, self._lengths)
            self._server.checked_run = self._run
            if loss.is_whole and current is not None:
                return current
            return self._open_epoch(loss)

    def _open_epoch(self, loss: epochs.Loss) -> EpochState:
        server = self._server
        server.allotted = max(server.allotted, loss.at_least) + 1
        server.current = EpochState(server.allotted, loss.at_least > 0, self._layout, self._buckets)
        server.frozen = False
        return server.current

    def _append(self, call: AppendCall) -> AppendReply:
        self._check_call(call)
        size, logs, at = self._record_bytes, self._server.logs, 0
        starts: list[int] = []
        unseen: list[bytes] = []
        bases: list[bytes] = []
        for key, known, count in zip(call.keys, call.known, call.counts, strict=True):
            log = logs.setdefault(key, bytearray()) if count else logs.get(key, bytearray())
            base, skip = self._base(log)
            starts.append(base.index + (len(log) - skip) // size)
            unseen.append(bytes(log[skip + max(known - base.index, 0) * size :]))
            bases.append(base.encode() if known < base.index else bytes(BASE_BYTES))
            log += call.rows[at : at + count * size]
            at += count * size
        told = b"".join(bases)
        packed = struct.pack(f"<{len(starts)}Q", *starts)
        return AppendReply(packed, b"".join(unseen), told if any(told) else b"")

    def _check_call(self, call: AppendCall) -> None:
        self._check_open()
        server = self._server
        if server.refuse is not None:
            error, server.refuse = server.refuse, None
            raise error
        if server.current is None:
            raise StateLost(b"")
        if server.frozen or server.current.number != call.epoch:
            raise EpochChanged(server.current.number, server.current.number == call.epoch)
        for key, known in zip(call.keys, call.known, strict=True):
            if self._length(key) < known:
                raise StateLost(key)

    def _check_open(self) -> None:
        if not self._is_open or self._run != self._server.run:
            self._is_open = False
            raise StoreAway("not connected", maybe_applied=False)

    async def _lengths(self, ends: list[CapturedEnd]) -> list[int]:
        count = self._buckets
        keys = [names.entity_key(self._portfolio, e.epoch, e.entity, e.entity_id, count) for e in ends]
        return [self._length(key) for key in keys]

    def _length(self, key: bytes) -> int:
        """Records that the log ever had."""
        log = self._server.logs.get(key, bytearray())
        base, skip = self._base(log)
        return base.index + (len(log) - skip) // self._record_bytes

    def _base(self, log: bytearray) -> tuple[Base, int]:
        """A log's base and the bytes that it takes."""
        if len(log) % self._record_bytes == 0:
            return WHOLE, 0
        return decode_base(bytes(log[:BASE_BYTES])), BASE_BYTES
