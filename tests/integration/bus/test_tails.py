"""A tail on a real broker: what comes, what came before, and a broker that goes and comes back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from infra.local.kafka import KafkaServer
from shared.bus.ports import Message, Place
from shared.bus.sync import produce_confirmed
from shared.bus.tail import Tail
from shared.contracts.addresses import KafkaAddress
from tests.support.front_door import until
from tests.support.topics import create_topics


class _Heard(Tail):
    """Keeps what came, and what was told of the broker."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]  # passed through
        self.values: list[bytes] = []
        self.offsets: dict[int, list[int]] = {0: [], 1: []}
        self.words: list[str] = []

    def take(self, messages: Sequence[Message]) -> None:
        self.values += [message.value or b"" for message in messages]
        for message in messages:
            self.offsets[message.partition].append(message.offset)

    def found(self) -> None:
        self.words.append("found")

    def lost(self, error: Exception) -> None:
        self.words.append("lost")


@asynccontextmanager
async def followed(bootstrap: str, places: Sequence[Place], back: int = 0) -> AsyncIterator[_Heard]:
    tail = _Heard(KafkaAddress(bootstrap), places, back)
    await tail.start()
    try:
        await until(lambda: tail.is_ready)
        yield tail
    finally:
        await tail.stop()


@asynccontextmanager
async def topic(bootstrap: str) -> AsyncIterator[tuple[list[Place], Callable[[int, bytes], None]]]:
    portfolio = f"t{uuid.uuid4().hex[:10]}"
    await asyncio.to_thread(create_topics, bootstrap, portfolio, "decisions")
    places = [Place(f"{portfolio}.decisions", number) for number in range(2)]

    def put(number: int, value: bytes) -> None:
        produce_confirmed(KafkaAddress(bootstrap), places[number], b"k", value)

    yield places, put


async def test_what_comes_from_now_on_is_read_once_and_in_order(kafka_server: KafkaServer) -> None:
    async with topic(kafka_server.bootstrap) as (places, put):
        put(0, b"before")
        async with followed(kafka_server.bootstrap, places) as tail:
            for number in range(20):
                await asyncio.to_thread(put, number % 2, b"%d" % number)
            await until(lambda: len(tail.values) == 20)
        assert sorted(tail.values, key=int) == [b"%d" % number for number in range(20)]
        assert tail.offsets == {0: list(range(1, 11)), 1: list(range(10))}
        assert tail.words == ["found"]


async def test_so_many_from_before_are_read_again(kafka_server: KafkaServer) -> None:
    async with topic(kafka_server.bootstrap) as (places, put):
        for number in range(8):
            put(0, b"%d" % number)
        put(1, b"only")
        async with followed(kafka_server.bootstrap, places, back=3) as tail:
            await until(lambda: len(tail.values) == 4)
        assert sorted(tail.values) == [b"5", b"6", b"7", b"only"]


async def test_a_broker_that_went_and_came_back_is_read_on(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path / "kafka")
    server.start()
    try:
        async with (
            topic(server.bootstrap) as (places, put),
            followed(server.bootstrap, places) as tail,
        ):
            await asyncio.to_thread(put, 0, b"first")
            await until(lambda: tail.values == [b"first"])
            await asyncio.to_thread(server.stop)
            await until(lambda: tail.words[-1] == "lost", 30)
            assert not tail.is_ready
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(put, 0, b"second")
            await until(lambda: tail.values == [b"first", b"second"], 30)
            assert tail.words[-1] == "found"
    finally:
        server.stop()
