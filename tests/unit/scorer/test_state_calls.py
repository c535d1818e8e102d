"""State calls: order after a lost connection, away from the start, a full store, and back again."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from services.scorer.edge import state
from services.scorer.edge.state import StateCalls
from shared.stores.timeline_memory import MemoryServer, MemoryTimelines
from shared.stores.timeline_port import (
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochState,
    StoreAway,
    StoreFull,
)

ROW = b"r" * 8


@dataclass
class Batch:
    """One row for the log ``k``."""

    call: AppendCall = field(default_factory=lambda: AppendCall(1, [b"k"], [0], [1], ROW))
    future: asyncio.Future[AppendReply] | None = None
    connection: int = 0

    def again(self) -> None:
        """The row does not depend on what is cached."""


class NoHistory:
    """A portfolio that has captured nothing."""

    async def at_least(self) -> int:
        return 0

    async def ends(self) -> AsyncIterator[CapturedEnd]:
        nothing: tuple[CapturedEnd, ...] = ()
        for end in nothing:
            yield end


class Store(MemoryTimelines):
    """In memory; cannot be reached while ``is_away``."""

    is_away = False

    async def start(self) -> bool:
        if self.is_away:
            raise StoreAway("away", maybe_applied=False)
        return await super().start()


class Stand:
    """State calls over a store, and what they said about readiness."""

    def __init__(self, wait_ms: int = 20) -> None:
        self.server = MemoryServer()
        self.store = Store(self.server, "p", len(ROW), "layout")
        self.held: list[str | None] = []
        self.entered: list[EpochState] = []
        self.calls = StateCalls(self.store, NoHistory(), wait_ms, self.entered.append, self.held.append)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY_S", "FROZEN_S", "FULL_S", "RECONNECT_S"):
        monkeypatch.setattr(state, name, 0.001)


async def test_a_call_behind_a_void_one_waits_until_that_was_sent_again() -> None:
    stand = Stand()
    await stand.calls.start()
    first, second, third = Batch(), Batch(), Batch()
    stand.server.refuse = StoreAway("lost", maybe_applied=True)
    stand.calls.send(first)
    stand.calls.send(second, [first])
    assert second.future is None
    assert await stand.calls.reply(first) == AppendReply(struct.pack("<Q", 0), b"")
    stand.calls.send(third, [second])
    assert third.future is None, "it would have been appended before the second"
    for index, batch in enumerate((second, third), 1):
        reply = await stand.calls.reply(batch)
        assert reply == AppendReply(struct.pack("<Q", index), ROW * index)


async def test_away_from_the_start_degrades_and_comes_back() -> None:
    stand = Stand()
    stand.store.is_away = True
    await stand.calls.start()
    assert stand.calls.away
    assert await stand.calls.reply(Batch()) is None
    watch = asyncio.create_task(stand.calls.watch())
    stand.store.is_away = False
    await asyncio.wait_for(stand.calls.back.wait(), 2)
    watch.cancel()
    assert await stand.calls.reply(Batch()) is not None
    assert stand.held[-1] is None


async def test_a_full_store_is_waited_for_but_not_when_closing() -> None:
    stand = Stand()
    await stand.calls.start()
    batch = Batch()
    stand.server.refuse = StoreFull("OOM")
    stand.calls.send(batch)
    assert await stand.calls.reply(batch) is not None
    assert "redis_full" in stand.held
    stand.calls.closing = True
    stand.server.refuse = StoreFull("OOM")
    stand.calls.send(batch)
    with pytest.raises(StoreFull):
        await stand.calls.reply(batch)
