"""Builds the archiver: the only file that constructs its clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Final

from mode import Service
from mode.types import ServiceT

from services.archiver.core.gather import Limits
from services.archiver.edge.keeper import Keeper, KeeperParts
from services.archiver.edge.pump import Pump, PumpParts
from services.archiver.edge.reporter import Reporter, ReporterParts
from services.archiver.edge.writer import LakeWriter, full_topic
from services.archiver.settings import ArchiverSettings
from shared.bus.assigned_log import AssignedLog, TopicMissing, TopicRecreated
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import LogAway
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress
from shared.runtime import collector
from shared.runtime.clock import SystemClock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.health import Health, HealthServer
from shared.runtime.logs import get_logger
from shared.runtime.memory import rss_bytes
from shared.runtime.stopping import stop_event
from shared.stores.lake import Lake
from shared.stores.lake_away import LakeAway
from shared.stores.lake_compact import CompactionLimits, Compactor
from shared.stores.lake_tables import TABLES

log = get_logger("archiver")

LOOK_EVERY_S: Final = 0.2
GATHER_MS: Final = 500
GC_THRESHOLDS: Final = (100_000, 20, 100)
"""Taken messages live for a share and hold no cycles; looking through them finds nothing."""


class Archiver(Service):
    """The tree: pump, keeper, reporter, and the health port."""

    def __init__(self, settings: ArchiverSettings, **kwargs: Any) -> None:
        self.health = Health(settings.stuck_after_ms / 1000)
        self.pump = _pump(settings, self.health)
        self.keeper = _keeper(settings, self.pump)
        self.reporter = _reporter(settings, self.pump, self.keeper, self.health)
        server = HealthServer(self.health, settings.health_port, settings.health_host)
        self._server = server if settings.health_port else None
        super().__init__(**kwargs)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Started in this order, stopped in the reverse."""
        return [self.reporter, self.pump, self.keeper]

    async def on_start(self) -> None:
        """Open the health port. Raises OSError when it is taken."""
        if self._server is not None:
            await self._server.start()

    async def on_stop(self) -> None:
        """Close the health port."""
        if self._server is not None:
            await self._server.stop()


async def run(settings: ArchiverSettings) -> int:
    """Archive until a signal or a fault: 0 when told to stop, 1 when a part failed."""
    archiver = Archiver(settings)
    collector.spare(GC_THRESHOLDS)
    with stop_event() as stop:
        await archiver.start()
        while not (stop.is_set() or archiver.crashed):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
        await archiver.stop()
    if archiver.crashed:
        reason = archiver.crash_reason
        known = isinstance(reason, AccessRefused | TopicMissing | TopicRecreated | LogAway | LakeAway)
        log.error("stopped", detail=str(reason) if known else "", exc_info=reason)
    return 1 if archiver.crashed else 0


def _pump(settings: ArchiverSettings, health: Health) -> Pump:
    lake = Lake(settings.lake_root)
    crash = CrashPoints.from_setting(settings.crash_at)
    log = AssignedLog(
        kafka=_kafka(settings),
        group=f"{settings.portfolio}.archiver",
        client_id=settings.name,
        topics=[full_topic(settings.portfolio, card) for card in TABLES],
        keeper="the lake",
        remedy="Move the lake's folder away",
        gather_ms=min(settings.write_every_ms, GATHER_MS),
    )
    return Pump(
        PumpParts(
            log=log,
            open_writer=lambda: LakeWriter.over(
                settings.portfolio, TABLES, lambda card: lake.open(card, crash.reach)
            ),
            limits=Limits(settings.write_rows, settings.write_bytes, settings.write_every_ms),
            clock=SystemClock(),
            beat=lambda: health.beat("pump"),
            reach=crash.reach,
            retry_max_ms=settings.retry_max_ms,
        )
    )


def _kafka(settings: ArchiverSettings) -> KafkaAddress:
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def _keeper(settings: ArchiverSettings, pump: Pump) -> Keeper:
    lake = Lake(settings.lake_root)
    limits = CompactionLimits(quiet_ms=settings.quiet_day_ms)
    return Keeper(
        KeeperParts(
            open_compactors=lambda: [Compactor(lake.handle(card), card, limits=limits) for card in TABLES],
            clock=SystemClock(),
            is_busy=lambda: pump.is_behind,
            compact_every_ms=settings.compact_every_ms,
            sweep_every_ms=settings.sweep_every_ms,
            keep_files_hours=settings.keep_files_hours,
        )
    )


def _reporter(settings: ArchiverSettings, pump: Pump, keeper: Keeper, health: Health) -> Reporter:
    return Reporter(
        ReporterParts(
            pump=pump,
            keeper=keeper,
            producer=KafkaProducer(_kafka(settings), f"{settings.name}-status"),
            health=health,
            clock=SystemClock(),
            rss_bytes=rss_bytes,
            instance=settings.instance,
            portfolio=settings.portfolio,
        )
    )
