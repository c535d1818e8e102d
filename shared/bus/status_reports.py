"""A service's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from typing import Any, Final

from mode import Service

from shared.contracts.codec import encode
from shared.contracts.operations import Status

from .ports import LogAway, Outgoing, Place, Producer

EVERY_S: Final = 1.0
DETAIL_LIMIT: Final = 200
PLACE: Final = Place("status", 0)


class StatusReports(Service):
    """Sends what `status` gives. The service's own reporter says what that is, and tells its health."""

    def __init__(self, producer: Producer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._producer = producer

    async def on_start(self) -> None:
        """Connect. Raises LogAway."""
        await self._producer.start()

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    def status(self) -> Status:
        """What the service is doing now."""
        raise NotImplementedError

    def tell_health(self, status: Status) -> None:
        """Called with each status, before it is sent."""
        raise NotImplementedError

    def tell_sent(self, was_sent: bool) -> None:
        """Called after each sending: whether Kafka took it."""
        raise NotImplementedError

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            status = self.status()
            self.tell_health(status)
            record = Outgoing(f"{status.service}-{status.instance}".encode(), encode(status))
            try:
                await (await self._producer.send(PLACE, [record]))
            except LogAway:
                self.tell_sent(False)
            else:
                self.tell_sent(True)
            await self.sleep(EVERY_S)
