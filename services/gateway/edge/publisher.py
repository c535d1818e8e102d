"""Records to Kafka, confirmed: what comes while a batch is on its way goes together in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.access import AccessRefused
from shared.runtime.logs import get_logger

log = get_logger("gateway.publisher")

BATCH_RECORDS: Final = 2_000
PIECE: Final = 500
"""Of many records so many are sent before others have their turn."""

AGAIN_S: Final = 0.5
SLOW_S: Final = 1.5
STOP_S: Final = 2.0


class _Waiting:
    """Records of one call, and who waits for them."""

    __slots__ = ("confirmed", "records")

    def __init__(self, records: Sequence[Outgoing], confirmed: asyncio.Future[None]) -> None:
        self.records = records
        self.confirmed = confirmed


class Publisher(Service):
    """One batch per partition on its way at a time; a producer that failed is replaced by a new one.

    A call that gives up before its records went on their way takes them back: they are not sent later. A
    refusal (AccessRefused) ends this service: waiting does not help.
    """

    def __init__(self, make_producer: Callable[[], Producer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._make = make_producer
        self._producer: Producer | None = None
        self._waiting: dict[Place, list[_Waiting]] = {}
        self._lanes: dict[Place, asyncio.Task[None]] = {}
        self._sent_at: dict[Place, float] = {}
        self._connecting = asyncio.Lock()

    async def on_start(self) -> None:
        """Connect. Raises LogAway."""
        await self._connected()

    async def on_stop(self) -> None:
        """Let what is on its way arrive, then disconnect."""
        lanes = list(self._lanes.values())
        if lanes:
            await asyncio.wait(lanes, timeout=SLOW_S)
        for lane in lanes:
            lane.cancel()
        if self._producer is not None:
            await _stopped(self._producer)

    @property
    def is_away(self) -> bool:
        """Whether Kafka leaves us waiting, so that more would only pile up."""
        if self._producer is None:
            return True
        now = asyncio.get_running_loop().time()
        return any(now - since > SLOW_S for since in self._sent_at.values())

    async def publish(self, place: Place, records: Sequence[Outgoing]) -> None:
        """Send ``records`` in order; returns when the broker has confirmed them. Raises LogAway."""
        if self.is_away:
            raise LogAway("Kafka does not confirm")
        waiting = _Waiting(records, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(place, []).append(waiting)
        if place not in self._lanes:
            self._lanes[place] = asyncio.ensure_future(self._lane(place))
        await waiting.confirmed

    async def publish_each(self, places: Mapping[Place, Sequence[Outgoing]]) -> None:
        """The same for several partitions at once; every one has ended when this does. Raises LogAway."""
        sending = [self._publish_all(place, records) for place, records in places.items()]
        for error in filter(None, await asyncio.gather(*sending, return_exceptions=True)):
            raise error

    async def _publish_all(self, place: Place, records: Sequence[Outgoing]) -> None:
        for start in range(0, len(records), PIECE):
            await self.publish(place, records[start : start + PIECE])

    async def _lane(self, place: Place) -> None:
        try:
            while taken := self._take(place):
                await self._send(place, taken)
        except AccessRefused as error:
            await self.crash(error)
        finally:
            del self._lanes[place]
            # Empty, unless a defect or a stop ended the lane: then nobody else would ever answer them.
            _tell(self._waiting.pop(place, []), LogAway("the lane ended"))

    def _take(self, place: Place) -> list[_Waiting]:
        """The next calls whose senders still wait, up to a batch."""
        queue, taken, count = self._waiting.get(place, []), [], 0
        while queue and count < BATCH_RECORDS:
            waiting = queue.pop(0)
            if not waiting.confirmed.done():
                taken.append(waiting)
                count += len(waiting.records)
        return taken

    async def _send(self, place: Place, taken: list[_Waiting]) -> None:
        self._sent_at[place] = asyncio.get_running_loop().time()
        producer = None
        try:
            producer = await self._connected()
            records = [record for waiting in taken for record in waiting.records]
            await (await producer.send(place, records))
        except LogAway as error:
            _tell(taken, error)
            if producer is not None:
                await self._drop(producer)
        else:
            _tell(taken, None)
        finally:
            _tell(taken, LogAway("not confirmed"))
            self._sent_at.pop(place, None)

    async def _connected(self) -> Producer:
        async with self._connecting:
            if self._producer is None:
                producer = self._make()
                await producer.start()
                self._producer = producer
            return self._producer

    async def _drop(self, failed: Producer) -> None:
        """Leave a producer that failed: its sequence is broken, and the next look makes a new one."""
        if self._producer is not failed:
            return  # another lane has seen it first
        self._producer = None
        log.warning("producer_dropped", reason="kafka_away")
        await _stopped(failed)

    @Service.task
    async def _reconnect(self) -> None:
        while not self.should_stop:
            await self.sleep(AGAIN_S)
            if self._producer is None:
                try:
                    await self._connected()
                except LogAway:
                    continue
                log.info("producer_made")


async def _stopped(producer: Producer) -> None:
    """Stop it; what a broker that is away leaves unsent holds nobody up."""
    with suppress(TimeoutError):
        await asyncio.wait_for(producer.stop(), STOP_S)


def _tell(taken: list[_Waiting], error: LogAway | None) -> None:
    for waiting in taken:
        if waiting.confirmed.done():
            continue
        if error is None:
            waiting.confirmed.set_result(None)
        else:
            waiting.confirmed.set_exception(LogAway(str(error)))
