"""A gateway in one process: the real API behind its real server, over parts in memory that can be broken."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from mode.types import ServiceT
from starlette.types import ASGIApp

from services.gateway.core.new_key import NewKey, make
from services.gateway.core.operations import PAYMENT
from services.gateway.core.pace import Pace
from services.gateway.core.parked import Parked
from services.gateway.core.slots import PacedSlots, Slots
from services.gateway.edge.app import make_app
from services.gateway.edge.counts import Counts
from services.gateway.edge.database import METADATA
from services.gateway.edge.deciding import Deadlines, DecisionCalls
from services.gateway.edge.desk import Desk, DeskParts, Policies
from services.gateway.edge.door import Door, Route, told
from services.gateway.edge.feed import Arrivals
from services.gateway.edge.key_book import KeyBook
from services.gateway.edge.key_calls import KeyCalls
from services.gateway.edge.once import MemoryOnce
from services.gateway.edge.outbox import Outbox
from services.gateway.edge.publisher import Publisher
from services.gateway.edge.taking import Taking, TakingParts, kinds
from services.gateway.wiring import table
from shared.bus.loader import Partitions
from shared.bus.memory import MemoryLog
from shared.bus.ports import Batch, LogAway, Place
from shared.contracts.codec import decode, encode
from shared.contracts.decisions import Action, Answer, Decision
from shared.contracts.ids import decision_id, input_hash
from shared.contracts.payments import Transaction
from shared.contracts.topics import topic_name
from shared.runtime.clock import FixedClock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.health import Health
from shared.runtime.http_server import HttpServer
from shared.stores.audit_memory import MemoryAudit
from shared.stores.database import Database, sqlite_url

NOW_MS: Final = 1_790_000_000_000
PARTITIONS: Final = 2
ALL_ACTIONS: Final = ("decide", "read", "ingest", "label", "keys")


@dataclass
class Broker:
    """A log whose broker can stop confirming (``is_slow``) or be gone (``is_away``)."""

    log: MemoryLog = field(default_factory=MemoryLog)
    is_slow: bool = False
    is_away: bool = False
    held: list[asyncio.Future[None]] = field(default_factory=list)
    producers: int = 0

    def recover(self) -> None:
        """Confirm what was held, and everything from now on."""
        self.is_slow = self.is_away = False
        for future in self.held:
            if not future.done():
                future.set_result(None)
        self.held.clear()

    def fail_held(self) -> None:
        """Tell those who wait that their records are not confirmed."""
        for future in self.held:
            if not future.done():
                future.set_exception(LogAway("not confirmed"))
        self.held.clear()


class BrokerProducer:
    """The producer port over a `Broker`; ``scorer`` sees what is appended."""

    def __init__(self, broker: Broker, scorer: Scorer) -> None:
        self._broker = broker
        self._scorer = scorer

    async def start(self) -> None:
        """Connect. Raises LogAway."""
        if self._broker.is_away:
            raise LogAway("told to be away")
        self._broker.producers += 1

    async def stop(self) -> None:
        """Nothing to disconnect."""

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        """Append at once; the confirmation waits while the broker is slow. Raises LogAway."""
        if self._broker.is_away:
            raise LogAway("told to be away")
        for record in records:
            self._broker.log.append(place, record)
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._broker.is_slow:
            self._broker.held.append(confirmed)
        else:
            confirmed.set_result(None)
        self._scorer.see(place, [record.value for record in records])
        return confirmed


class Scorer:
    """Answers payments on the arrivals of every gateway, as the topic ``decisions`` would bring them."""

    def __init__(self, topic: str) -> None:
        self.followers: list[Arrivals] = []
        self._topic = topic
        self.is_silent = False
        self.action: Action = "approve"
        self.seen: list[Transaction] = []

    def see(self, place: Place, values: list[bytes]) -> None:
        """Decide the payments among ``values`` in a moment, unless silent."""
        if place.topic != self._topic:
            return
        payments = [decode(Transaction, value) for value in values]
        self.seen += payments
        if not self.is_silent:
            loop = asyncio.get_running_loop()
            for payment in payments:
                loop.call_soon(self.decide, payment)

    def decide(self, payment: Transaction) -> None:
        """The decision of ``payment`` arrives now."""
        raw = encode(decided(payment, self.action))
        for arrivals in self.followers:
            arrivals.take(raw)


class MemoryLake:
    """Decisions that the lake has, by tx_id."""

    def __init__(self) -> None:
        self.decisions: dict[str, dict[str, Any]] = {}

    def decision_by_tx(self, _: str, tx_id: str) -> dict[str, Any] | None:
        """As the port says."""
        return self.decisions.get(tx_id)


@dataclass
class AlwaysReady:
    """A feed that brings what the scorer decides."""

    is_ready: bool = True


@dataclass
class Limits:
    """What one gateway takes at once."""

    in_flight: int = 64
    bulk_in_flight_bytes: int = 32 << 20
    bulk_bytes: int = 8 << 20
    bulk_items: int = 10_000
    deadline_ms: int = 2_000
    request_timeout_s: float = 5.0
    connections: int = 100


class FrontDoor:
    """One gateway. `start` and `stop` it; ``app`` is the application, ``url`` where its server listens."""

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        *,
        name: str = "gateway-1",
        portfolio: str = "bank",
        beside: FrontDoor | None = None,
    ) -> None:
        """``beside``: another gateway of the house, whose broker, Redis, keys and clock are shared."""
        self.limits = limits or Limits()
        self.portfolio = portfolio
        self.clock: FixedClock = beside.clock if beside else FixedClock(NOW_MS)
        self.broker: Broker = beside.broker if beside else Broker()
        self.once: MemoryOnce = beside.once if beside else MemoryOnce(self.clock)
        self.lake, self.audit, self.feed = MemoryLake(), MemoryAudit(), AlwaysReady()
        self.arrivals, self.policies, self.counts = Arrivals(), Policies(), Counts()
        self.policies.seq, self.policies._interim = 1, "review"
        self.parked: list[Parked] = []
        self.slots = PacedSlots(Pace(self.limits.in_flight, self.limits.in_flight, 100.0))
        self.scorer: Scorer = beside.scorer if beside else Scorer(topic_name(portfolio, "transactions"))
        self.scorer.followers.append(self.arrivals)
        self.publisher = Publisher(lambda: BrokerProducer(self.broker, self.scorer))
        self.book = KeyBook(Database.open(sqlite_url(folder / "gateway.db"), METADATA), None, Health(30.0))
        self.outbox = Outbox(
            self.once,
            self.publisher,
            topic_name(portfolio, "answers"),
            Partitions(PARTITIONS),
            self.clock,
            Health(30.0),
        )
        self.desk = Desk(self._desk_parts(name))
        self.routes = self._routes()
        self.app: ASGIApp = make_app(self._door(), self.routes)
        timeout_s, connections = self.limits.request_timeout_s, self.limits.connections
        self.server = HttpServer(self.app, ("127.0.0.1", 0), timeout_s, connections, told)
        self._parts: list[ServiceT] = [self.publisher, self.outbox, self.book, self.server]

    async def start(self) -> None:
        """Start all parts."""
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """Stop them in the reverse order."""
        for part in reversed(self._parts):
            await part.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, key: str = "", address: str = "") -> httpx.AsyncClient:
        """A client with ``key``: through the server, or straight to the app as if from ``address``."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        if not address:
            return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)
        inside = httpx.ASGITransport(self.app, client=(address, 1))
        return httpx.AsyncClient(transport=inside, base_url="http://front-door", headers=headers, timeout=20)

    async def key(self, *actions: str, portfolio: str = "", **fields: Any) -> str:
        """A new key as its owner keeps it, for ``actions`` (all where none is named)."""
        told = {"name": "checkout", "rate_per_s": 1e6, "burst": 100_000, **fields}
        asked = msgspec.convert({**told, "actions": list(actions or ALL_ACTIONS)}, NewKey)
        kept, shown = make(asked, portfolio or self.portfolio, self.clock.now_ms(), os.urandom(38))
        await self.book.add(kept)
        assert shown.key is not None
        return shown.key

    def records(self, name: str) -> list[bytes]:
        """What stands on a topic of the portfolio, partition by partition."""
        topic = topic_name(self.portfolio, name)
        places = [Place(topic, number) for number in range(PARTITIONS)]
        return [taken.value or b"" for place in places for taken in self.broker.log.partitions[place]]

    def headers(self, name: str) -> list[dict[str, bytes]]:
        """Kafka headers of the records of a topic."""
        topic = topic_name(self.portfolio, name)
        places = [Place(topic, number) for number in range(PARTITIONS)]
        return [dict(taken.headers) for place in places for taken in self.broker.log.partitions[place]]

    def answers(self) -> dict[str, list[Answer]]:
        """Records of the topic ``answers`` by tx_id."""
        found: dict[str, list[Answer]] = defaultdict(list)
        for raw in self.records("answers"):
            answer = decode(Answer, raw)
            found[answer.tx_id].append(answer)
        return dict(found)

    def _desk_parts(self, name: str) -> DeskParts:
        return DeskParts(
            once=self.once,
            publisher=self.publisher,
            feed=self.feed,
            arrivals=self.arrivals,
            outbox=self.outbox,
            policies=self.policies,
            partitions=Partitions(PARTITIONS),
            topic=topic_name(self.portfolio, "transactions"),
            gateway=name,
            clock=self.clock,
            crash=CrashPoints(),
        )

    def _routes(self) -> list[Route]:
        limits = self.limits
        deadlines = Deadlines(limits.deadline_ms, 10_000)
        deciding = DecisionCalls(self.desk, self.slots, deadlines, self.lake, self.portfolio, self.counts)
        taking = Taking(
            TakingParts(
                publisher=self.publisher,
                once=self.once,
                park=self._park,
                slots=Slots(limits.bulk_in_flight_bytes),
                partitions=Partitions(PARTITIONS),
                clock=self.clock,
                counts=self.counts,
                bulk_bytes=limits.bulk_bytes,
                bulk_items=limits.bulk_items,
            )
        )
        inputs = kinds(
            *(topic_name(self.portfolio, name) for name in ("transactions", "activities", "labels"))
        )
        return table(deciding, taking, KeyCalls(self.book, self.audit, self.portfolio, self.clock), inputs)

    async def _park(self, labels: Sequence[Parked]) -> None:
        self.parked += labels

    def _door(self) -> Door:
        return Door(self.book, self.portfolio, self.clock, self.counts)


def payment(tx_id: str, **fields: Any) -> dict[str, Any]:
    """The body of a payment."""
    return {**PAYMENT, "tx_id": tx_id, **fields}


def decided(asked: Transaction, action: Action = "approve") -> Decision:
    """A decision on a payment."""
    return Decision(
        v=1,
        decision_id=decision_id("bank", asked.tx_id),
        portfolio="bank",
        tx_id=asked.tx_id,
        account_id=asked.account_id,
        event_time_ms=asked.event_time_ms,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        action=action,
        reasons=["score_low"],
        flags=[],
        score=0.25,
        raw_score=-1.0,
        threshold=None,
        model="bank-1",
        release_seq=1,
        release_hash="r",
        feature_set="f",
        layout="l",
        state_quality="exact",
        epoch=1,
        entity_versions=[0, 0],
        input_hash=input_hash(encode(asked)).hex(),
        vector_hash="v",
        core_hash="c",
        partition=0,
        offset=0,
        ingest_time_ms=NOW_MS,
        decided_at_ms=NOW_MS,
        worker="scorer-1",
        caller=asked.caller,
        gateway=asked.gateway,
    )


async def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    """Give other tasks their turns until ``holds()``. Raises AssertionError."""
    for _ in range(int(seconds / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within {seconds} s")
