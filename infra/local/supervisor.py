"""The supervisor: starts the stack in order, watches it, ends it in order.

Kafka and Redis together, and beside them the services that wait for Kafka themselves; then the topics, then
the other services. Simulator, services, Kafka, Redis on the way down. Every change is written to the state
file at once, so that whoever comes later knows exactly which processes are ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psutil

from infra.kafka.broker import BrokerAwayError, apply
from infra.kafka.grants import apply_access, make_users
from infra.kafka.topics import wanted_topics
from shared.contracts.access import OPERATOR, AccessRefused

from . import kafka_access
from .addresses import choose_ports
from .errors import StackError
from .jars import Jars
from .kafka import KafkaServer
from .layout import DataDir
from .leftovers import stack_lock, sweep
from .managed import Managed
from .options import StackOptions
from .portfolios import portfolio_path
from .ports import HOST, PortClaims, free_ports
from .processes import ProcessRecord
from .redis import RedisServer
from .secrets import Secrets
from .service import ServiceProcess
from .services import SERVICES, ServiceRow, service_environment
from .state import Part, StackState, write_state

TICK_S: Final = 0.1
INFRASTRUCTURE_READY_S: Final = 90.0
BACKGROUND: Final = 10
"""Niceness of what nobody waits for: about a tenth of a processor's share against those somebody does."""
KAFKA_WAVE: Final = 0
REDIS_WAVE: Final = -1

OnChange = Callable[[StackState], None]


class Supervisor:
    """One stack in this process. ``on_change`` sees the state after each change."""

    def __init__(
        self,
        options: StackOptions,
        rows: Sequence[ServiceRow] = SERVICES,
        on_change: OnChange = lambda _: None,
    ) -> None:
        self._options = options
        self._rows = rows
        self._on_change = on_change
        self._data = DataDir(Path(options.data_dir))
        self._secrets = Secrets(self._data.secrets)
        self._jars = Jars()
        self._claims = PortClaims()
        self._managed: list[Managed] = []
        self._steps: list[Part] = []
        self.state = StackState(options=options, supervisor=own_record())

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; then everything is down. Raises StackError, LockTakenError."""
        self._data.make()
        with stack_lock(self._data):
            sweep(self._data)
            self._secrets.make()
            self.state.started_at_s = time.time()
            try:
                if self._start(stop):
                    self._watch(stop)
            except StackError as error:
                self.state.failure = (error.sentence, error.way_out)
                raise
            finally:
                self._stop_all()
                self._claims.close()

    def _start(self, stop: threading.Event) -> bool:
        """Whether everything was started before ``stop``."""
        self._publish()
        portfolio_path(self._options)
        self._fetch_jars()
        servers = self._launch_infrastructure()
        self._launch_services(early=True)
        if not (self._wait_for(servers, stop) and self._apply_topics()):
            return False
        self._launch_services(early=False)
        self.state.phase = "running"
        self._publish()
        return True

    def _fetch_jars(self) -> None:
        if self._jars.missing():
            step = self._step("jars", "asking the registry")
            self._jars.fetch(lambda here, wanted: self._note(step, f"{here} of {wanted}"))
            self._done(step)

    def _launch_infrastructure(self) -> list[Managed]:
        ports = choose_ports(self._data, self._options.kafka_port, self._claims)
        kafka = KafkaServer(
            self._data.kafka,
            port=ports.clients,
            controller_port=ports.controller,
            heap_mb=self._options.heap_mb,
            jars=self._jars,
            log_path=self._data.log("kafka"),
            secrets=self._secrets,
        )
        redis = RedisServer(
            self._data.redis,
            jars=self._jars,
            log_path=self._data.log("redis"),
            secrets=self._secrets,
            portfolio=self._options.portfolio,
        )
        self.state.addresses = {
            "kafka": kafka.bootstrap,
            "redis": redis.url,
            "gateway": f"http://{HOST}:{ports.gateway}",
            "console": f"http://{HOST}:{ports.console}",
        }
        both = [Managed(redis, redis.url, REDIS_WAVE), Managed(kafka, kafka.bootstrap, KAFKA_WAVE)]
        self._managed += both
        with ThreadPoolExecutor(len(both)) as pool:
            list(pool.map(self._launch, both))
        return both

    def _wait_for(self, servers: Sequence[Managed], stop: threading.Event) -> bool:
        deadline = time.monotonic() + INFRASTRUCTURE_READY_S
        waiting = list(servers)
        while waiting:
            if stop.wait(TICK_S):
                return False
            if time.monotonic() > deadline:
                late = waiting[0]
                raise StackError(
                    f"{late.part.name} was not ready after {INFRASTRUCTURE_READY_S:.0f} s: "
                    f"{late.server.last_line()}",
                    f"Its log is {late.part.log_path}.",
                )
            waiting = [server for server in waiting if not server.ask_until_ready(time.monotonic())]
            self._publish()
        return True

    def _apply_topics(self) -> bool:
        step = self._step("topics", "comparing with the table")
        portfolios = [self._options.portfolio]
        wanted = wanted_topics(portfolios, self._options.partitions)
        kafka = self._secrets.kafka(self.state.addresses["kafka"], OPERATOR)
        try:
            make_users(kafka, kafka_access.passwords(self._secrets), sasl_mechanism="PLAIN")
            done = apply(kafka, wanted)
            access = apply_access(kafka, portfolios)
        except (BrokerAwayError, AccessRefused) as error:
            raise StackError(str(error), f"Kafka's log is {self._data.log('kafka')}.") from error
        if done.faults:
            fault = done.faults[0]
            more = f" ({len(done.faults) - 1} more: `assay topics diff`)" if len(done.faults) > 1 else ""
            raise StackError(f"{fault.sentence}{more}", f"Mend it: {fault.fix}")
        topics = f"{len(done.created)} created, {len(wanted)} as the table says"
        extra = f", {len(access.faults)} beyond the table: `assay topics diff`" if access.faults else ""
        self._done(step, f"{topics}; {access.granted} rights granted{extra}")
        return True

    def _launch_services(self, early: bool) -> None:
        services = [
            self._service(row, instance)
            for row in self._rows
            if row.early is early
            for instance in range(1, row.instances(self._options) + 1)
        ]
        self._managed += services
        for managed in services:
            self._launch(managed)

    def _service(self, row: ServiceRow, instance: int) -> Managed:
        name = f"{row.name}-{instance}" if row.per_worker else row.name
        (port,) = free_ports(1)
        env = service_environment(row, instance, self._options, self.state.addresses, port)
        server = ServiceProcess(name, row.module, env, port, self._data.log(name))
        server.niceness = BACKGROUND if row.background else 0
        address = self.state.addresses.get(row.name, f"http://{HOST}:{port}/readyz")
        return Managed(server, address, row.wave)

    def _launch(self, managed: Managed) -> None:
        managed.launch(time.monotonic())
        self._publish()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_S):
            changed = [managed for managed in self._managed if managed.tick(time.monotonic())]
            if changed:
                self._publish()

    def _stop_all(self) -> None:
        self.state.phase = "stopping"
        self._publish()
        for wave in sorted({managed.wave for managed in self._managed}, reverse=True):
            self._stop_wave([managed for managed in self._managed if managed.wave == wave])
        self.state.phase = "failed" if self.state.failure else "stopped"
        self._publish()

    def _stop_wave(self, wave: Sequence[Managed]) -> None:
        for managed in wave:
            managed.part.phase = "stopping"
        self._publish()
        with ThreadPoolExecutor(len(wave)) as pool:
            list(pool.map(Managed.stop, wave))
        self._publish()

    def _step(self, name: str, detail: str) -> Part:
        step = Part(name=name, phase="working", detail=detail)
        self._steps.append(step)
        self._publish()
        return step

    def _note(self, step: Part, detail: str) -> None:
        step.detail = detail
        self._publish()

    def _done(self, step: Part, detail: str = "") -> None:
        step.phase = "ready"
        self._note(step, detail or step.detail)

    def _publish(self) -> None:
        """Write the state down. A full disk must not end a running stack: the file is only for readers."""
        self.state.parts = [*self._steps, *_parts(self._managed)]
        try:
            write_state(self._data.state_file, self.state)
        except OSError:
            self.state.note = f"{self._data.state_file} could not be written: the disk may be full"
        self._on_change(self.state)


def _parts(managed: Iterable[Managed]) -> list[Part]:
    return [one.part for one in managed]


def own_record() -> ProcessRecord:
    """Who we are; the program or module we run is the mark."""
    me = psutil.Process()
    words = me.cmdline()
    return ProcessRecord("supervisor", me.pid, me.create_time(), " ".join(words[1:3]))
