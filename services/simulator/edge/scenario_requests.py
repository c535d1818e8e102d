"""Follows the topic ``requests`` from its end: what is asked from now on disturbs the traffic."""

from __future__ import annotations

from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from services.simulator.core.scenarios import Scenario, refuse
from shared.bus.leaving import leave
from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import ScenarioRequest
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger

from .traffic import Traffic

KEY: Final = b"scenario"
POLL_MS: Final = 200
RETRY_S: Final = 1.0

_log = get_logger("simulator.scenarios")


class ScenarioRequests(Service):
    """Hands each request to the traffic. A broker that is away is tried again: traffic notices it first."""

    def __init__(
        self, kafka: KafkaAddress, portfolio: str, traffic: Traffic, clock: Clock, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._kafka = kafka
        self._portfolio = portfolio
        self._place = TopicPartition(topic_name(portfolio, "requests"), 0)
        self._traffic = traffic
        self._clock = clock
        self.refused: dict[str, int] = {}

    @Service.task
    async def follow(self) -> None:
        """Read until stopped. Raises AccessRefused."""
        while not self.should_stop:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                if refused := refusal(error, self._kafka, "read", self._place.topic):
                    raise refused from error
                _log.warning("requests wait", error=type(error).__name__)
                await self.sleep(RETRY_S)

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """One record of the topic; those for others pass by, a bad one is refused by its reason."""
        if key != KEY:
            return
        try:
            request = decode(ScenarioRequest, value or b"")
        except DecodeError as error:
            self._refuse(error.code, error.field)
            return
        if request.portfolio != self._portfolio or (why := refuse(request)):
            self._refuse("field_range", "portfolio" if request.portfolio != self._portfolio else why)
            return
        what = f"{request.kind} for {request.seconds} s"
        _log.info("scenario", detail=what, request_id=request.request_id)
        until_ms = self._clock.now_ms() + request.seconds * 1000
        self._traffic.disturb(None if request.kind == "stop" else Scenario(request, until_ms))

    def _refuse(self, reason: str, detail: str) -> None:
        _log.warning("scenario refused", reason=reason, detail=detail)
        self.refused[reason] = self.refused.get(reason, 0) + 1

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._kafka.options(),
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=POLL_MS,
        )
        try:
            await consumer.start()
            consumer.assign([self._place])
            await consumer.seek_to_end(self._place)
            while not self.should_stop:
                found = await consumer.getmany(self._place, timeout_ms=POLL_MS)
                for message in found.get(self._place, ()):
                    self.take(message.key, message.value)
        finally:
            await leave(consumer)
