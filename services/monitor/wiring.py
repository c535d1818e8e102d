"""Builds the monitor: the only file that constructs its clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mode import Service
from mode.types import ServiceT

from services.monitor.core.counting import COUNTED
from services.monitor.core.sampling import Sampler
from services.monitor.edge.alerts import AlertBook
from services.monitor.edge.champions import Champions
from services.monitor.edge.drifting import Drifting
from services.monitor.edge.history import History
from services.monitor.edge.judge import Judge, JudgeParts
from services.monitor.edge.pump import CAPTURES, Pump, PumpParts
from services.monitor.edge.reporter import Reporter, ReporterParts
from services.monitor.edge.statuses import STATUS, Statuses
from services.monitor.edge.tables import MonitorTables
from services.monitor.settings import MonitorSettings
from shared.bus.assigned_log import AssignedLog
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import Place
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name
from shared.runtime.clock import SystemClock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.health import Health, HealthServer
from shared.runtime.memory import rss_bytes
from shared.runtime.running import run_until_stopped
from shared.stores.artefacts import ArtefactStore
from shared.stores.database import Database
from shared.stores.monitor_tables import METADATA
from shared.stores.releases_follower import ReleaseFollower
from shared.stores.trust import FolderTrust

GATHER_MS: Final = 250
"""The broker waits at most this long for a share worth answering; lag is below twice that and a write."""


class Monitor(Service):
    """The tree: pump, reporter, and the health port."""

    def __init__(self, settings: MonitorSettings, **kwargs: Any) -> None:
        self.health = Health(settings.stuck_after_ms / 1000)
        self.statuses = Statuses(settings.portfolio)
        keys = FolderTrust(settings.data_dir / "keys")
        self.champions = Champions(ArtefactStore(settings.data_dir / "artefacts"), keys)
        self.follower = ReleaseFollower(
            _kafka(settings), settings.portfolio, keys, self.champions.on_release, history=True
        )
        drifting = Drifting(Sampler(settings.window_ms, settings.sample_rows), self.champions)
        self.pump = _pump(settings, self.health, self.statuses, drifting)
        self.judge = _judge(settings, self.pump, self.statuses, self.health)
        self.reporter = _reporter(settings, self)
        server = HealthServer(self.health, settings.health_port, settings.health_host)
        self._server = server if settings.health_port else None
        super().__init__(**kwargs)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Started in this order, stopped in the reverse."""
        return [self.reporter, self.follower, self.pump, self.judge]

    async def on_start(self) -> None:
        """Open the health port. Raises OSError when it is taken."""
        if self._server is not None:
            await self._server.start()

    async def on_stop(self) -> None:
        """Close the health port."""
        if self._server is not None:
            await self._server.stop()


async def run(settings: MonitorSettings) -> int:
    """Count until a signal or a fault: 0 when told to stop, 1 when a part failed."""
    return await run_until_stopped(Monitor(settings))


def _kafka(settings: MonitorSettings) -> KafkaAddress:
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def _pump(settings: MonitorSettings, health: Health, statuses: Statuses, drifting: Drifting) -> Pump:
    crash = CrashPoints.from_setting(settings.crash_at)
    log = AssignedLog(
        kafka=_kafka(settings),
        group=f"{settings.portfolio}.monitor",
        client_id=settings.name,
        topics=[topic_name(settings.portfolio, name) for name in (*COUNTED, CAPTURES, STATUS)],
        keeper="the monitor's tables",
        remedy="Move its database away",
        gather_ms=GATHER_MS,
    )
    return Pump(
        PumpParts(
            log=log,
            open_tables=lambda: MonitorTables(_database(settings), crash.reach),
            statuses=statuses,
            drifting=drifting,
            portfolio=settings.portfolio,
            clock=SystemClock(),
            beat=lambda: health.beat("pump"),
            records=settings.write_records,
            every_ms=settings.write_every_ms,
            retry_max_ms=settings.retry_max_ms,
        )
    )


def _judge(settings: MonitorSettings, pump: Pump, statuses: Statuses, health: Health) -> Judge:
    crash = CrashPoints.from_setting(settings.crash_at)
    producer = KafkaProducer(_kafka(settings), f"{settings.name}-alerts")
    place = Place(topic_name(settings.portfolio, "alerts"), 0)
    return Judge(
        JudgeParts(
            pump=pump,
            statuses=statuses,
            producer=producer,
            open_history=lambda: History(_database(settings)),
            open_book=lambda: AlertBook.open(_database(settings), producer, place, crash.reach),
            clock=SystemClock(),
            beat=lambda: health.beat("judge"),
            instance=settings.instance,
            every_ms=settings.judge_every_ms,
            usual_after_ms=settings.usual_after_ms,
            keep_days=settings.keep_days,
            window_ms=settings.window_ms,
            retry_max_ms=settings.retry_max_ms,
        )
    )


def _database(settings: MonitorSettings) -> Database:
    return Database.open(settings.database_url, METADATA)


def _reporter(settings: MonitorSettings, monitor: Monitor) -> Reporter:
    return Reporter(
        ReporterParts(
            pump=monitor.pump,
            judge=monitor.judge,
            statuses=monitor.statuses,
            champions=monitor.champions,
            producer=KafkaProducer(_kafka(settings), f"{settings.name}-status"),
            health=monitor.health,
            clock=SystemClock(),
            rss_bytes=rss_bytes,
            instance=settings.instance,
            portfolio=settings.portfolio,
        )
    )
