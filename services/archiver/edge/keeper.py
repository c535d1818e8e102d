"""Keeps the tables' files few and sorted, and sweeps what nobody names, while appends go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mode import Service

from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.stores.lake_away import LakeAway
from shared.stores.lake_compact import Compactor

log = get_logger("archiver.keeper")


@dataclass(frozen=True, slots=True)
class KeeperParts:
    """What the keeper is made of; ``is_busy`` says that the archiver is behind and needs the machine."""

    open_compactors: Callable[[], Sequence[Compactor]]
    clock: Clock
    is_busy: Callable[[], bool]
    compact_every_ms: int
    sweep_every_ms: int
    keep_files_hours: int


class Keeper(Service):
    """Merges one set of files at a time."""

    def __init__(self, parts: KeeperParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._compactors: Sequence[Compactor] = ()
        self._swept_ms = parts.clock.now_ms()
        self.merged = 0
        self.failed = 0

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.sleep(self._parts.compact_every_ms / 1000)
            try:
                await self._round()
            except LakeAway as error:
                # Nothing depends on it: the next round looks again, and status shows the count.
                self.failed += 1
                log.warning("compaction_failed", detail=str(error))

    async def _round(self) -> None:
        if not self._compactors:
            self._compactors = await asyncio.to_thread(self._parts.open_compactors)
        for compactor in self._compactors:
            await self._merge_all(compactor)
        if self._parts.clock.now_ms() - self._swept_ms >= self._parts.sweep_every_ms:
            self._swept_ms = self._parts.clock.now_ms()
            for compactor in self._compactors:
                await asyncio.to_thread(compactor.sweep, self._parts.keep_files_hours)

    async def _merge_all(self, compactor: Compactor) -> None:
        """Until nothing is left to merge, or the archiver needs the machine."""
        while not self.should_stop and not self._parts.is_busy():
            merged = await asyncio.to_thread(compactor.merge_once, self._parts.clock.now_ms())
            if merged == 0:
                return
            self.merged += merged
