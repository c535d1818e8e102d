"""Cuts the logs that hold much of what is forgotten, beside the payments' way and never in it.

A worker finds them while it folds (`Timelines.overgrown`). Cutting one costs a read of the log, on a
connection and in a thread of its own, and a copy of what stays; after each the task rests many times as long,
so that it takes a fixed small share of the worker's time however many logs are waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from mode import Service

from shared.runtime.logs import get_logger
from shared.stores.timeline_port import StoreAway, StoreFull, TimelineStore

from .engine import Overgrown

log = get_logger("scorer.trimmer")

LOOK_S = 1.0
REST = 50
"""Times as long as a cut took, the task rests."""


class Finder(Protocol):
    """Who knows which logs are worth cutting: the engine."""

    def overgrown(self) -> Sequence[Overgrown]: ...


class Trimmer(Service):
    """Hands overgrown logs to a store that nobody else uses, one after the other."""

    def __init__(self, finder: Finder, store: TimelineStore, rest: float = REST, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._finder = finder
        self._store = store
        self._rest = rest
        self._is_open = False

    @Service.task
    async def _trim_always(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_S)
            await self.trim_all()

    async def on_stop(self) -> None:
        """The connection is closed."""
        await self._store.stop()

    async def trim_all(self) -> int:
        """Cut what was found overgrown so far: how many records left. Raises StoreRefused.

        Redis away or full: those logs are left alone until they are found again.
        """
        now_s = asyncio.get_running_loop().time
        left = logs = 0
        for overgrown in self._finder.overgrown():
            if self.should_stop:
                break
            began_s = now_s()
            try:
                records = await self._trim(overgrown)
            except (StoreAway, StoreFull):
                self._is_open = False
                break
            left, logs = left + records, logs + (records > 0)
            await self.sleep((now_s() - began_s) * self._rest)
        if logs:
            log.info("trimmed", count=logs, records=left)
        return left

    async def _trim(self, overgrown: Overgrown) -> int:
        if not self._is_open:
            await self._store.start()
            self._is_open = True
        return await self._store.trim(overgrown.epoch, overgrown.key, overgrown.choose)
