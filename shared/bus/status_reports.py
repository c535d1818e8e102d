"""A service's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from mode import Service

from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status

from .ports import LogAway, Outgoing, Place, Producer

EVERY_S: Final = 1.0
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
        """Disconnect."""
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

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            status = self.status()
            self._tell_health(status)
            record = Outgoing(f"{status.service}-{status.instance}".encode(), encode(status))
            try:
                await (await self._producer.send(PLACE, [record]))
            except LogAway:
                self._tell_sent(False)
            else:
                self._tell_sent(True)
            await self.sleep(EVERY_S)
