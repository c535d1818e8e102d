"""Says once a second how the run goes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from shared.bus.ports import LogAway
from shared.bus.refused import told
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.operations import Status
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.memory import rss_bytes

from .scenario_requests import ScenarioRequests
from .traffic import Traffic

EVERY_S = 1.0
LAST_WORD_S = 2.0


class StatusReports(Service):
    """Sends a Status record each second."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        kafka: KafkaAddress,
        traffic: Traffic,
        requests: ScenarioRequests,
        clock: Clock,
        health: Health,
        instance: str,
        portfolio: str,
    ) -> None:
        super().__init__()
        self._producer = producer
        self._kafka = kafka
        self._traffic = traffic
        self._requests = requests
        self._clock = clock
        self._health = health
        self._instance = instance
        self._portfolio = portfolio

    @Service.task
    async def report(self) -> None:
        """Report until stopped. Raises LogAway."""
        while not self.should_stop:
            await self._send("ready" if self._traffic.sent else "starting")
            await self.sleep(EVERY_S)

    async def on_stop(self) -> None:
        """A last word, if the log takes it soon; nobody relies on it."""
        with suppress(LogAway, TimeoutError):
            await asyncio.wait_for(self._send("stopping"), LAST_WORD_S)

    def _refused(self) -> dict[str, int]:
        """What the sink refused, and requests by reason."""
        by_sink = {"refused_by_sink": self._traffic.refused} if self._traffic.refused else {}
        return {**self._requests.refused, **by_sink}

    async def _send(self, state: str) -> None:
        status = Status(
            v=1,
            service="simulator",
            instance=self._instance,
            at_ms=self._clock.now_ms(),
            state=state,  # type: ignore[arg-type]  # one of the words the record allows
            detail=self._traffic.scenario(),
            portfolio=self._portfolio,
            rss_bytes=rss_bytes(),
            handled=self._traffic.sent,
            refused=self._refused(),
            numbers=self._traffic.numbers(),
        )
        self._health.tell(status)
        key = f"simulator-{self._instance}".encode()
        try:
            await self._producer.send_and_wait(topic_name(self._portfolio, "status"), encode(status), key=key)
        except KafkaError as error:
            raise told(error, self._kafka, "write", "status") from error
