"""Builds the trainer: the only file of this service that constructs clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mode import Service
from mode.types import ServiceT

from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import Producer
from shared.contracts.addresses import KafkaAddress
from shared.runtime.clock import SystemClock
from shared.runtime.health import Health, HealthServer
from shared.stores.card_keys import card_key
from shared.stores.database import Database

from .edge.agent import GroupOptions, assigned_partitions, make_app
from .edge.intake import Intake
from .edge.jobs import METADATA, JobTable
from .edge.outbox import Outbox
from .edge.reporter import Identity, Reporter
from .edge.runner import JobRunner, Places
from .settings import TrainerSettings


class Trainer(Service):
    """The tree: health and outbox first, then the runner, the agent's app and the reporter."""

    def __init__(self, settings: TrainerSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._health = Health(settings.stuck_after_s)
        self._server = HealthServer(self._health, settings.health_port, settings.health_host)
        self._producer = KafkaProducer(_kafka(settings), settings.name)
        self._jobs = JobTable(Database.open(settings.database_url, METADATA))

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Children in starting order; they stop in the reverse one."""
        return build(self._settings, self._jobs, self._producer, self._health)

    async def on_start(self) -> None:
        """Health answers from the first moment on. Raises LogAway, OSError."""
        if self._settings.health_port:
            await self._server.start()
        await self._producer.start()

    async def on_shutdown(self) -> None:
        """The parts have stopped; let go of what they used."""
        await self._producer.stop()
        await self._server.stop()
        self._jobs.close()


def build(settings: TrainerSettings, jobs: JobTable, producer: Producer, health: Health) -> list[ServiceT]:
    """All parts, connected to nothing yet. Call it inside the loop."""
    clock = SystemClock()
    outbox = Outbox(producer, _kafka(settings), settings.portfolio)
    runner = JobRunner(jobs, outbox, _places(settings), clock, health)
    cards = card_key(settings.data_dir / "keys")
    intake = Intake(jobs, outbox, clock, settings.portfolio, runner.wake, cards)
    app = make_app(_group(settings), intake)
    who = Identity(settings.instance, settings.portfolio, settings.stuck_after_s)
    reporter = Reporter(who, intake, jobs, outbox, lambda: assigned_partitions(app), clock, health)
    return [runner, app, reporter]


def _kafka(settings: TrainerSettings) -> KafkaAddress:
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def _group(settings: TrainerSettings) -> GroupOptions:
    return GroupOptions(
        kafka=_kafka(settings),
        portfolio=settings.portfolio,
        client_id=settings.name,
        session_timeout_s=settings.session_timeout_s,
        folder=settings.data_dir / "run" / "trainer" / "faust",
    )


def _places(settings: TrainerSettings) -> Places:
    data = settings.data_dir
    return Places(
        portfolio=settings.portfolio,
        portfolio_file=settings.portfolio_file,
        lake=data / "lake",
        artefacts=data / "artefacts",
        keys=data / "keys",
        signing_key=settings.signing_key,
        desk=data / "run" / "trainer",
        limit_seconds=settings.training_limit_s,
    )
