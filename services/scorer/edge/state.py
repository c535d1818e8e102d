"""State calls that survive Redis: sent ahead, answered in order, tried again, recovered, or degraded.

`reply` answers None when Redis stayed away for longer than the wait: the batch is then scored on what the
payments themselves carry, and its records are owed to the timelines (timelines.md, rule 12).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Protocol

from shared.runtime.logs import get_logger
from shared.stores.timeline_port import (
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochChanged,
    EpochState,
    StateLost,
    StoreAway,
    StoreFull,
    TimelineStore,
)

log = get_logger("scorer.state")

RETRY_S = 0.05
FROZEN_S = 0.02
FULL_S = 1.0
RECONNECT_S = 0.25


class History(Protocol):
    """What is known of the timelines outside Redis."""

    async def at_least(self) -> int: ...
    def ends(self) -> AsyncIterable[CapturedEnd]: ...


class Call(Protocol):
    """A batch that can be asked again: after a lost epoch its slots are looked up anew."""

    call: AppendCall
    future: asyncio.Future[AppendReply] | None
    connection: int

    def again(self) -> None: ...


class StateCalls:
    """The one way from the pump to the timeline store."""

    def __init__(
        self,
        store: TimelineStore,
        history: History,
        wait_ms: int,
        enter: Callable[[EpochState], None],
        hold: Callable[[str | None], None],
    ) -> None:
        self._store = store
        self._history = history
        self._wait_s = wait_ms / 1000
        self._wait_ms = wait_ms
        self._enter = enter
        self._hold = hold
        self._connected = False
        self._opening = asyncio.Lock()
        self._connection = 0
        self._moved = False
        self._missing = False
        self.epoch: EpochState | None = None
        self.away = False
        self.failing = False
        self.closing = False
        self.back = asyncio.Event()

    async def start(self) -> None:
        """Connect and settle the epoch; away from the start is away all the same. Raises StoreFull."""
        try:
            await self._open()
        except StoreAway:
            self._degrade()

    async def stop(self) -> None:
        """Disconnect."""
        await self._store.stop()

    def send(self, call: Call, earlier: Iterable[Call] = ()) -> None:
        """Ask without waiting; a call made while Redis is away waits for its turn in `reply`.

        So does one behind ``earlier`` calls that are void, for they are sent again first.
        """
        call.future = None
        if self._connected and not self.away and not any(map(_is_void, earlier)):
            call.connection = self._connection
            call.future = self._store.append(call.call, self._wait_ms)

    async def reply(self, call: Call) -> AppendReply | None:
        """The answer, or None when Redis is away. Calls are to be asked for in the order sent.

        A full Redis is waited for, however long it takes. Raises StoreFull when ``closing``.
        """
        try:
            return await self._ask(call)
        finally:
            self.failing = False

    async def _ask(self, call: Call) -> AppendReply | None:
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while not self.away:
            try:
                if call.future is None:
                    await self._open()
                    call.again()
                    self.send(call)
                assert call.future is not None
                return await call.future
            except StoreAway:
                self._lost(call)
                if asyncio.get_running_loop().time() >= deadline:
                    self._degrade()
                    return None
                await asyncio.sleep(RETRY_S)
            except StoreFull:
                self._lost(call)
                if self.closing:
                    raise
                self._hold("redis_full")
                await asyncio.sleep(FULL_S)
            except EpochChanged as change:
                self._lost(call)
                self._moved = True
                await asyncio.sleep(FROZEN_S if change.frozen else 0)
            except StateLost:
                self._lost(call)
                self._missing = True
        return None

    def _lost(self, call: Call) -> None:
        """A call that was voided with an older connection says nothing of the present one."""
        self.failing = True
        if call.future is None or call.connection == self._connection:
            self._connected = False
        call.future = None

    def _degrade(self) -> None:
        log.warning("state_away", reason="redis_away", wait_ms=self._wait_ms)
        self.away = True
        self.back.clear()
        self._hold("redis_away")

    def _settle(self, epoch: EpochState) -> None:
        self._moved = self._missing = False
        if self.epoch is None or epoch.number != self.epoch.number:
            log.info("epoch", epoch=epoch.number, state="rebuilding" if epoch.rebuilding else "exact")
        self.epoch = epoch
        self._enter(epoch)

    async def _open(self) -> None:
        """Connect unless we are, and settle the epoch if anything speaks against the one we know."""
        async with self._opening:
            if self._connected:
                return
            restarted = await self._store.start()
            if restarted or self._missing or self.epoch is None:
                await self._recover()
            elif self._moved:
                self._settle(await self._store.epoch())
            self._connected = True
            self._connection += 1
            self._hold(None)

    async def _recover(self) -> None:
        held = self.epoch.number if self.epoch else 0
        at_least = max(await self._history.at_least(), held)
        if at_least == 0:
            self._settle(await self._store.ensure_epoch())
            return
        ends = self._history.ends()
        self._settle(await self._store.recover(ends, at_least=at_least, held=held, lost=self._missing))

    async def watch(self) -> None:
        """While Redis is away, try to reach it; when it is back, calls go to it again."""
        while True:
            await asyncio.sleep(RECONNECT_S)
            if not self.away:
                continue
            try:
                await self._open()
            except (StoreAway, StoreFull, StateLost, EpochChanged):
                continue
            self.away = False
            self.back.set()
            log.info("state_back")


def _is_void(call: Call) -> bool:
    future = call.future
    return future is None or (future.done() and (future.cancelled() or future.exception() is not None))
