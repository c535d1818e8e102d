"""Records of named partitions through librdkafka: no group, no commit, little processor.

It has the methods of aiokafka's consumer that `tail.Tail` uses, and raises that client's errors. One thread
takes from the library what it fetched and hands it to the event loop, all that is there at once: a reader
of few records at a time costs half of what one in Python does, and hears of each sooner.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as NativePartition

from shared.contracts.addresses import KafkaAddress

from .ports import Message, Taken

TAKE_S: Final = 0.1
"""How long the thread waits for a record before it looks whether it shall end."""
TAKE_RECORDS: Final = 500
HELD_RECORDS: Final = 20_000
"""More are left to the library, which stops fetching at `FETCHED_KB`."""
FETCHED_KB: Final = 8 << 10

_GROUP: Final = "none"
"""The library wants a name; no offset is committed and no group is joined under it."""
_SAYS_NOTHING: Final = frozenset({"_PARTITION_EOF", "_TIMED_OUT", "_RESOLVE", "GROUP_AUTHORIZATION_FAILED"})
"""The library asks for its group's coordinator, though it needs none: that may be refused."""
_SIGN_IN_FAILED: Final = 58


class NativeConsumer:
    """A consumer of assigned partitions. Every method is called from the event loop."""

    def __init__(
        self, kafka: KafkaAddress, fetch_wait_ms: int, fetch_min_bytes: int, request_ms: int
    ) -> None:
        self._options = {
            **_native(kafka),
            "group.id": _GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "fetch.wait.max.ms": fetch_wait_ms,
            "fetch.min.bytes": fetch_min_bytes,
            "queued.max.messages.kbytes": FETCHED_KB,
            "coordinator.query.interval.ms": 3_600_000,
            "socket.timeout.ms": max(request_ms, fetch_wait_ms + 1_000),
            "error_cb": self._failed,
            "logger": _Quiet(),
        }
        self._request_s = request_ms / 1_000
        self._consumer: Any = None
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()
        self._has_room = threading.Event()
        self._has_room.set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held: dict[TopicPartition, list[Message]] = {}
        self._count = 0
        self._error: KafkaError | None = None
        self._came: asyncio.Future[None] | None = None
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._loop = asyncio.get_running_loop()
        self._consumer = Consumer(self._options)
        await self._ask(lambda: self._consumer.list_topics(timeout=self._request_s))

    async def stop(self) -> None:
        """Disconnect."""
        self._ends.set()
        self._has_room.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if self._consumer is not None:
            await asyncio.to_thread(self._consumer.close)

    def assign(self, places: Sequence[TopicPartition]) -> None:
        """Take these partitions and no others; `seek` says from where."""
        self._positions = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read ``place`` from ``offset`` on. The first `getmany` begins to read."""
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        """The offset behind what `getmany` gave."""
        return self._positions[place]

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each log ends, asked of the broker. Raises KafkaError."""
        return {place: high for place, (_, high) in (await self._watermarks(places)).items()}

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each log begins, asked of the broker. Raises KafkaError."""
        return {place: low for place, (low, _) in (await self._watermarks(places)).items()}

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Message]]:
        """What has come, as soon as something has. Raises KafkaError."""
        if self._thread is None:
            self._begin()
        if not self._held and self._error is None:
            await self._wait(timeout_ms / 1_000)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        found, self._held, self._count = self._held, {}, 0
        self._has_room.set()
        for place, messages in found.items():
            self._positions[place] = messages[-1].offset + 1
        return found

    def _begin(self) -> None:
        wanted = [(place.topic, place.partition, offset) for place, offset in self._positions.items()]
        self._consumer.assign([NativePartition(*each) for each in wanted])
        self._thread = threading.Thread(target=self._take, name="native-consumer", daemon=True)
        self._thread.start()

    async def _wait(self, seconds: float) -> None:
        self._came = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came
        self._came = None

    async def _watermarks(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        def ask() -> dict[TopicPartition, tuple[int, int]]:
            for topic in {place.topic for place in places}:
                # Of a topic that one may not read, the other answer would be that its partitions are unknown.
                told = self._consumer.list_topics(topic, timeout=self._request_s).topics[topic]
                if told.error is not None:
                    raise KafkaException(told.error)
            return {
                place: self._consumer.get_watermark_offsets(NativePartition(*place), timeout=self._request_s)
                for place in places
            }

        found: dict[TopicPartition, tuple[int, int]] = await self._ask(ask)
        return found

    async def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(question)
        except KafkaException as error:
            # Why nobody answers is told only to who polls; the question itself merely runs out of time.
            if self._thread is None:
                await asyncio.to_thread(self._consumer.poll, 0)
            await asyncio.sleep(0)
            why, self._error = self._error, None
            raise (why or _told(error.args[0])) from error

    # Below here is the thread, and what it sends to the loop.

    def _take(self) -> None:
        while not self._ends.is_set():
            self._has_room.wait()
            first = self._consumer.poll(TAKE_S)
            if first is None:
                continue
            found = [first, *self._consumer.consume(TAKE_RECORDS, 0)]
            records = [_taken(message) for message in found if not message.error()]
            for failed in (message.error() for message in found if message.error()):
                self._failed(failed)
            if len(records) + self._count >= HELD_RECORDS:
                self._has_room.clear()
            if records:
                self._tell(self._came_in, records, None)

    def _failed(self, error: Any) -> None:
        """The library's own word on the brokers; it may come from any of its threads."""
        if error.name() not in _SAYS_NOTHING:
            self._tell(self._came_in, [], _told(error))

    def _tell(self, what: Callable[..., None], *values: Any) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop may have ended before the thread
            self._loop.call_soon_threadsafe(what, *values)

    def _came_in(self, records: list[Taken], error: KafkaError | None) -> None:
        for record in records:
            self._held.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        self._count += len(records)
        self._error = self._error or error
        if self._came is not None and not self._came.done():
            self._came.set_result(None)


def _native(kafka: KafkaAddress) -> dict[str, Any]:
    """The library's names for how one signs in."""
    names = {
        "bootstrap_servers": "bootstrap.servers",
        "security_protocol": "security.protocol",
        "sasl_mechanism": "sasl.mechanism",
        "sasl_plain_username": "sasl.username",
        "sasl_plain_password": "sasl.password",
    }
    return {names[key]: value for key, value in kafka.options().items()}


def _taken(message: Any) -> Taken:
    return Taken(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )


def _told(error: Any) -> KafkaError:
    """The library's error as the other clients', by Kafka's own code where it has one."""
    if error.name() == "_AUTHENTICATION":
        return for_code(_SIGN_IN_FAILED)(error.str())
    if error.code() > 0:
        return for_code(error.code())(error.str())
    return KafkaConnectionError(error.str())


class _Quiet:
    """The library's log: what matters of it comes as an error as well."""

    def log(self, *_: Any) -> None:
        """Nothing."""
