"""Composition of the simulator: the only place that makes clients and passes them down."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from services.simulator.core.history import past_days
from services.simulator.core.live import LiveWorld
from services.simulator.core.records import Records
from services.simulator.core.span import DAY_MS
from services.simulator.core.tables import Tables
from services.simulator.core.world import make_world
from services.simulator.edge.command_line import HistoryRequest
from services.simulator.edge.gateway_sink import GatewaySink, gateway_sink
from services.simulator.edge.history_files import write_history
from services.simulator.edge.scenario_requests import ScenarioRequests
from services.simulator.edge.sink import Sink, SinkAway, TopicSink
from services.simulator.edge.status import StatusReports
from services.simulator.edge.traffic import Traffic
from services.simulator.settings import SimulatorSettings
from shared.bus.ports import LogAway
from shared.bus.refused import why_no_start
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress
from shared.runtime.clock import SystemClock
from shared.runtime.health import Health, HealthServer
from shared.runtime.logs import configure, get_logger
from shared.runtime.stopping import stop_event

PROGRESS_DEADLINE_S = 30.0
REQUEST_TIMEOUT_MS = 20_000


def run_history(settings: SimulatorSettings, request: HistoryRequest) -> None:
    """Write the past that is asked for and say in one JSON line what was written. Raises OSError."""
    seed = settings.seed if request.seed is None else request.seed
    accounts, merchants = request.accounts or settings.accounts, request.merchants or settings.merchants
    world = make_world(seed, accounts, merchants)
    days = past_days(world, request.from_ms, request.end_ms)
    tell = _tell_days(request) if request.progress else lambda day: None
    written = write_history(Tables(world, settings.currency), days, request.folder, tell)
    _say({**written._asdict(), "folder": str(request.folder)})


def _tell_days(request: HistoryRequest) -> Callable[[int], None]:
    first, last = request.from_ms // DAY_MS, (request.end_ms - 1) // DAY_MS
    return lambda day: _say({"day": day - first + 1, "of": last - first + 1})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Simulator(Service):
    """The live run: producer, traffic, status; started in this order, stopped in the reverse one."""

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__()
        clock = SystemClock()
        self._health = Health(PROGRESS_DEADLINE_S)
        server = HealthServer(self._health, settings.health_port, settings.health_host)
        self._server = server if settings.health_port else None
        world = make_world(settings.seed, settings.accounts, settings.merchants)
        start_ms = clock.now_ms()
        live = LiveWorld(world, start_ms, settings.rate_per_s, settings.speed)
        records = Records(world, start_ms, settings.currency)
        self._kafka = KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)
        self._producer = AIOKafkaProducer(
            **self._kafka.options(),
            client_id=settings.name,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        self._gateway = _gateway(settings)
        sink: Sink = self._gateway or TopicSink(self._producer, self._kafka, settings.portfolio)
        self._traffic = Traffic(sink, live, records, clock, self._health, settings.step_ms)
        self._requests = ScenarioRequests(self._kafka, settings.portfolio, self._traffic, clock)
        self._status = StatusReports(
            self._producer,
            self._kafka,
            self._traffic,
            self._requests,
            clock,
            self._health,
            settings.instance,
            settings.portfolio,
        )

    async def on_start(self) -> None:
        """Connect, then play. Raises LogAway, AccessRefused."""
        if self._server is not None:
            await self._server.start()
        try:
            await self._producer.start()
        except KafkaError as error:
            raise await why_no_start(error, self._kafka) from error
        await self.add_runtime_dependency(self._traffic)
        await self.add_runtime_dependency(self._requests)
        await self.add_runtime_dependency(self._status)
        self._health.started()

    async def on_shutdown(self) -> None:
        """Flush and disconnect, after traffic and status have stopped."""
        if self._gateway is not None:
            await self._gateway.close()
        await self._producer.stop()
        if self._server is not None:
            await self._server.stop()


def _reason(error: BaseException) -> str:
    """The word for the log: what the front door said, "kafka_away", or the kind of a defect."""
    if isinstance(error, LogAway):
        return "kafka_away"
    if isinstance(error, AccessRefused):
        return error.code
    return str(error) if isinstance(error, SinkAway) else type(error).__name__


def _gateway(settings: SimulatorSettings) -> GatewaySink | None:
    if settings.target == "topic":
        return None
    return gateway_sink(settings.gateway_url, settings.gateway_key.get_secret_value())


async def run_live(settings: SimulatorSettings) -> int:
    """Play until a signal (exit code 0) or until the log stays away (1)."""
    configure(settings.service, settings.instance, settings.log_level)
    log = get_logger("simulator.wiring")
    with stop_event() as stop:
        simulator = Simulator(settings)
        try:
            async with simulator:
                log.info("playing", rate=settings.rate_per_s, portfolio=settings.portfolio)
                await simulator.wait(stop.wait())
        except (LogAway, SinkAway) as error:
            log.error("stopped", reason=_reason(error), error=type(error).__name__)
            return 1
        except AccessRefused as error:
            log.error("stopped", reason=error.code, detail=str(error))
            return 1
    if simulator.crash_reason is not None:
        reason = simulator.crash_reason
        detail = str(reason) if isinstance(reason, AccessRefused) else ""
        log.error("stopped", reason=_reason(reason), detail=detail)
        return 1
    log.info("stopped")
    return 0
