"""One load from plan to broker: paced, ended on every partition whatever happens, told about as it goes."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

import polars as pl

from services.cli.core.load_plan import Step
from services.cli.edge.abreast import Abreast
from services.cli.edge.errors import Away
from shared.bus.followers import Followers
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.loader import LANES, Loader, Rows
from shared.bus.ports import LogAway, Place, Producer
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name

END_ATTEMPTS: Final = 5
END_PAUSE_S: Final = 3.0
STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

OnSent = Callable[[Mapping[str, int]], None]
"""Called with the records sent so far of each lane."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A load that stands on the broker, ended: its first and last offsets by partition of the inputs.

    ``decided_before``: where each partition of the decisions ended before it. ``alone``: how often several
    scorers did not follow, so that the load went on without them (`abreast`).
    """

    load_id: str
    transactions: int
    activities: int
    labels: int
    seconds: float
    interrupted: bool
    starts: dict[Place, int]
    ends: dict[Place, int]
    decided_before: dict[Place, int]
    alone: int = 0


def new_load_id() -> str:
    """An id that no other load has."""
    return secrets.token_hex(6)


def load(
    kafka: KafkaAddress,
    portfolio: str,
    steps: Iterator[Step],
    rate: float | None,
    on_sent: OnSent,
    load_id: str | None = None,
) -> Sent:
    """Send every step; ``rate`` is payments per second. Ctrl-C ends the load early but properly.

    Raises Away when Kafka does not take it.
    """
    name = load_id or new_load_id()
    topics = {lane: topic_name(portfolio, lane) for lane in LANES}
    try:
        with KafkaLook(kafka) as look, Followers(kafka, f"{portfolio}.scorer") as scorers:
            places = look.places(topics.values())
            starts = look.ends(places)
            decided = look.ends(look.places([topic_name(portfolio, "decisions")]))
            counts = {lane: sum(p.topic == topic for p in places) for lane, topic in topics.items()}
            producer = KafkaProducer(kafka, f"assay-load-{name}")
            loader = Loader(producer, portfolio, name, counts)
            abreast = Abreast(scorers, lambda: look.ends(places))
            begun = monotonic()
            with _signals_kept():
                interrupted = asyncio.run(_send(producer, loader, steps, rate, on_sent, abreast))
            seconds = monotonic() - begun
            ends = look.ends(places)
    except LogAway as error:
        way = f"Look at `assay status`; then end the load for its readers: assay ingest --end-load {name}."
        raise Away(f"Kafka at {kafka} does not take the load: {error}.", way) from error
    sent = loader.sent
    counts_sent = sent["transactions"], sent["activities"], sent["labels"]
    return Sent(name, *counts_sent, seconds, interrupted, starts, ends, decided, abreast.alone)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """A loop that ends takes the handlers of its signals with it; ours stand again afterwards."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _send(
    producer: Producer,
    loader: Loader,
    steps: Iterator[Step],
    rate: float | None,
    on_sent: OnSent,
    abreast: Abreast,
) -> bool:
    """Whether a signal ended it early."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    await producer.start()
    try:
        try:
            await _steps(loader, steps, rate, on_sent, abreast, stop)
        finally:
            # Readers of a load wait for its end on every partition, so it is written on every road out.
            await _end(loader)
    finally:
        await producer.stop()
    return stop.is_set()


async def _steps(
    loader: Loader,
    steps: Iterator[Step],
    rate: float | None,
    on_sent: OnSent,
    abreast: Abreast,
    stop: asyncio.Event,
) -> None:
    begun = monotonic()
    for step in steps:
        tables = {"labels": step.labels, "activities": step.activities, "transactions": step.payments}
        await loader.send([_rows(lane, table) for lane, table in tables.items()], step.until_ms)
        on_sent(loader.sent)
        if await asyncio.to_thread(abreast.is_needed):
            await loader.settle()
            await asyncio.to_thread(abreast.wait, step.until_ms, stop.is_set)
        if rate:
            await _pause(begun + loader.sent["transactions"] / rate - monotonic(), stop)
        if stop.is_set():
            return


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    if seconds > 0:
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return


async def _end(loader: Loader) -> None:
    for attempt in range(1, END_ATTEMPTS + 1):
        try:
            await loader.end()
        except LogAway:
            if attempt == END_ATTEMPTS:
                raise
            await asyncio.sleep(END_PAUSE_S)
        else:
            return


def _rows(lane: str, table: pl.DataFrame) -> Rows:
    return Rows(lane, table["time_ms"].to_list(), table["key"].to_list(), table["value"].to_list())
