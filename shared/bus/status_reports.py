"""A service's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec
from mode import Service

from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status

from .ports import LogAway, Outgoing, Place, Producer

EVERY_S: Final = 1.0
LAST_WORD_S: Final = 1.0
DETAIL_LIMIT: Final = 200
PLACE: Final = Place("status", 0)


class Health(Protocol):
    """What a process knows about itself."""

    def tell(self, status: Status) -> None:
        """The service's last word."""
        ...

    def hold(self, condition: str, why: str) -> None:
        """Not ready as long as ``condition`` is held."""
        ...

    def clear(self, condition: str) -> None:
        """The condition is met."""
        ...

    def started(self) -> None:
        """The start is over."""
        ...


def assigned(
    places: Iterable[Place], written: Mapping[Place, int], end: Callable[[Place], int | None]
) -> list[PartitionStatus]:
    """How far each of ``places`` is written and where it ends, -1 where that is not known."""
    found = []
    for place in places:
        last = end(place)
        found.append(
            PartitionStatus(
                topic=place.topic,
                partition=place.partition,
                committed=written.get(place, -1),
                end=-1 if last is None else last,
            )
        )
    return found


async def say_last(part: Service, send: Callable[[Status], Awaitable[None]], status: Status) -> None:
    """``status`` once more, as the word of one that stops, so that nobody misses it.

    Of a process that ends because something failed nothing is said: it shall be missed. ``part`` is one of
    its tree. ``send`` raises LogAway where Kafka takes nothing; no stop waits for that longer than a second.
    """
    if any(node.data.crash_reason is not None for node in part.beacon.walk()):
        return
    with suppress(LogAway, TimeoutError):
        async with asyncio.timeout(LAST_WORD_S):
            await send(msgspec.structs.replace(status, state="stopping"))


class StatusReports(Service):
    """Sends what `status` gives, and tells health. The service's own reporter says what that is.

    ``store`` names what the service writes to, and waits for while it is away.
    """

    def __init__(self, producer: Producer, health: Health, store: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._producer = producer
        self._health = health
        self._store = store

    async def on_start(self) -> None:
        """Connect. Raises LogAway."""
        await self._producer.start()

    async def on_stop(self) -> None:
        """A last word, and disconnect."""
        await say_last(self, self._send, self.status())
        await self._producer.stop()

    def status(self) -> Status:
        """What the service is doing now."""
        raise NotImplementedError

    def _tell_health(self, status: Status) -> None:
        """The store holds us up while we wait for it; the start is over once we read."""
        self._health.tell(status)
        if status.state == "waiting":
            self._health.hold(self._store, status.detail)
        else:
            self._health.clear(self._store)
        if status.state in ("ready", "degraded"):
            self._health.started()

    def _tell_sent(self, was_sent: bool) -> None:
        """Not ready while Kafka takes no word of ours."""
        if was_sent:
            self._health.clear("status")
        else:
            self._health.hold("status", "kafka_away")

    async def _send(self, status: Status) -> None:
        record = Outgoing(f"{status.service}-{status.instance}".encode(), encode(status))
        await (await self._producer.send(PLACE, [record]))

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            status = self.status()
            self._tell_health(status)
            try:
                await self._send(status)
            except LogAway:
                self._tell_sent(False)
            else:
                self._tell_sent(True)
            await self.sleep(EVERY_S)
