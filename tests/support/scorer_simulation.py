"""A worker of the real scorer on logs and timelines in memory, where everything may happen between two steps.

Deterministic by seed: what the broker, Redis and the group do is drawn, time stands still, and a crash drops
the worker with all its tasks at whichever await it had reached.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mode import Service

from services.scorer.core.assembly import entity_ends
from services.scorer.edge.engine import Engine
from services.scorer.edge.inputs import Inputs
from services.scorer.edge.pump import Pump, PumpParts
from services.scorer.edge.state import StateCalls
from shared.bus import ports
from shared.bus.dead_letters import dead_letter
from shared.bus.memory import MemoryConsumer, MemoryLog, MemoryProducer
from shared.bus.ports import Committed, Outgoing, Place, Rebalance, Run
from shared.contracts.capture import decode_capture
from shared.contracts.card_numbers import CardKey
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.models import Policy
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.lateness import Limits
from shared.features.portfolio import parse_portfolio
from shared.features.rows import RowEncoder
from shared.runtime.clock import FixedClock
from shared.runtime.crash_points import CrashPoints
from shared.scoring.deciding import Deciding
from shared.scoring.release import first_content, next_release
from shared.stores.timeline_memory import MemoryServer, MemoryTimelines
from shared.stores.timeline_port import AppendCall, AppendReply, CapturedEnd, StoreAway
from tests.support.scorer_stand import PORTFOLIO
from tests.support.scorer_traffic import DECODERS, T0_MS, Record
from tests.unit.scoring.releases import PlainSigner

NAME: Final = "simulated"
KEY: Final = b"k" * 32
PARTITIONS: Final = 2
GROUP: Final = f"{NAME}.scorer"
STATE_WAIT_MS: Final = 5
TURN_S: Final = 0.0001
KINDS: Final = {
    topic_name(NAME, "transactions"): KIND_TRANSACTION,
    topic_name(NAME, "activities"): KIND_ACTIVITY,
    topic_name(NAME, "labels"): KIND_LABEL,
}
TOPIC_OF: Final = {Transaction: "transactions", Activity: "activities", Label: "labels"}
FEATURES: Final[FeatureSet] = compile_portfolio(parse_portfolio(PORTFOLIO.format(name=NAME), "simulated"))


@dataclass(frozen=True)
class Odds:
    """How often, of a state call, its answer is lost, Redis restarts under it, or loses everything."""

    lost_answer: float = 0.03
    restart: float = 0.01
    flush: float = 0.0


@dataclass
class World:
    """What outlives a worker: the log, the timelines, and the dice."""

    seed: int
    odds: Odds = field(default_factory=Odds)
    log: MemoryLog = field(default_factory=lambda: MemoryLog(T0_MS))
    server: MemoryServer = field(default_factory=MemoryServer)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.is_calm = False
        self.lost: dict[bytes, bytes] = {}
        content = first_content(NAME, FEATURES.hash, FEATURES.layout.hash, Policy(), {}, "")
        release = next_release(content, None, T0_MS, "sim", "sim", "r1", PlainSigner())
        self.deciding = Deciding(release, FEATURES, ())

    def chance(self, odds: float) -> bool:
        """Whether it happens this time; never in a calm world."""
        return not self.is_calm and self.draw.random() < odds

    async def pause(self, most: int = 4) -> None:
        """A few turns of the loop."""
        for _ in range(self.draw.randrange(most)):
            await asyncio.sleep(0)

    def lose_state(self) -> None:
        """What FLUSHALL does; the world alone remembers what stood there."""
        self.lost.update({key: bytes(log) for key, log in self.server.logs.items()})
        self.server.flush()

    def log_of(self, key: bytes) -> bytes:
        """A timeline's bytes, also of one that was lost."""
        return bytes(self.server.logs.get(key, b"")) or self.lost.get(key, b"")

    def put(self, records: Sequence[Record]) -> None:
        """Records as applications send them."""
        for record in records:
            place = Place(
                topic_name(NAME, TOPIC_OF[type(record)]), sum(record.account_id.encode()) % PARTITIONS
            )
            self.log.append(place, Outgoing(record.account_id.encode(), encode(record)))

    def places(self) -> list[Place]:
        """Every input partition."""
        return [Place(topic, p) for topic in KINDS for p in range(PARTITIONS)]

    def is_settled(self) -> bool:
        """Whether everything sent is committed."""
        commits = self.log.commits
        ends = {place: len(self.log.partitions[place]) for place in self.places()}
        done = {place: commits[GROUP, place].offset for place in ends if (GROUP, place) in commits}
        return all(end == done.get(place, 0) for place, end in ends.items())

    def captured(self) -> list[tuple[Place, dict[str, object]]]:
        """Rows of all captures with the place of their inputs."""
        names = {kind: topic for topic, kind in KINDS.items()}
        found = []
        for p in range(PARTITIONS):
            for taken in self.log.partitions[Place(topic_name(NAME, "captures"), p)]:
                batch = decode_capture(taken.value or b"", len(FEATURES.names), len(FEATURES.entities))
                found += [(Place(names[row["kind"]], p), row) for row in batch.to_pylist()]
        return found


class _Producer(MemoryProducer):
    """Writes and confirms some turns later, in order; a crash in between leaves either both, one or none."""

    def __init__(self, world: World) -> None:
        super().__init__(world.log)
        self._world = world
        self._last: asyncio.Task[None] | None = None

    async def send(self, place: Place, records: ports.Batch) -> Awaitable[None]:
        self._last = asyncio.create_task(self._deliver(place, records, self._last))
        return self._last

    async def _deliver(self, place: Place, records: ports.Batch, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        await self._world.pause(2)
        for record in records:
            self._log.append(place, record)
        await self._world.pause(2)


class _Consumer(MemoryConsumer):
    """Takes a drawn number of records; a commit arrives some turns later."""

    def __init__(self, world: World, places: Sequence[Place], rebalance: Rebalance) -> None:
        super().__init__(world.log, GROUP, places, rebalance)
        self._world = world

    async def take(self, limit: int, wait_ms: int) -> Sequence[Run]:
        await self._world.pause(2)
        return await super().take(1 + self._world.draw.randrange(limit), 0)

    async def commit(self, offsets: Mapping[Place, Committed]) -> None:
        await self._world.pause(3)
        await super().commit(offsets)
        await self._world.pause(3)


class _Timelines(MemoryTimelines):
    """Applies at once or not at all, answers later and in order, and now and then loses the connection."""

    def __init__(self, world: World) -> None:
        super().__init__(world.server, NAME, FEATURES.layout.record_bytes, FEATURES.layout.hash)
        self._world = world
        self._last: asyncio.Future[AppendReply] | None = None
        self._is_doomed = False

    async def start(self) -> bool:
        await self._world.pause()
        self._is_doomed = False
        return await super().start()

    def append(self, call: AppendCall, wait_ms: int = STATE_WAIT_MS) -> asyncio.Future[AppendReply]:
        world = self._world
        if world.chance(world.odds.restart):
            self._server.restart()
        if world.chance(world.odds.flush):
            world.lose_state()
        self._is_doomed = self._is_doomed or world.chance(world.odds.lost_answer)
        if self._is_doomed and world.draw.random() < 0.3:
            answer: asyncio.Future[AppendReply] = asyncio.get_running_loop().create_future()
        else:
            answer = super().append(call, wait_ms)
        self._last = asyncio.ensure_future(self._answer(answer, self._last, self._is_doomed))
        self._last.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._last

    async def _answer(
        self,
        answer: asyncio.Future[AppendReply],
        before: asyncio.Future[AppendReply] | None,
        is_doomed: bool,
    ) -> AppendReply:
        if before is not None:
            await asyncio.wait({before})
        await self._world.pause()
        if is_doomed:
            self._is_open = False
            raise StoreAway("the connection broke", maybe_applied=True)
        return await answer


class _History:
    """What captures say of the timelines."""

    def __init__(self, world: World, encoder: RowEncoder) -> None:
        self._world = world
        self._encoder = encoder

    async def at_least(self) -> int:
        await self._world.pause()
        return max((int(str(row["epoch"])) for _, row in self._world.captured()), default=0)

    async def ends(self) -> AsyncIterator[CapturedEnd]:
        for place, row in self._world.captured():
            taken = self._world.log.partitions[place][int(str(row["offset"]))]
            record = DECODERS[KINDS[place.topic]](taken.value or b"")
            versions: list[int] = list(row["versions"])  # type: ignore[call-overload]  # a capture's list
            for end in entity_ends(FEATURES, self._encoder, record, versions, int(str(row["epoch"]))):
                yield CapturedEnd(end.entity, end.entity_id, end.epoch, end.index)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time goes on by a fixed step each turn and jumps to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now_s

    def leap(self, seconds: float) -> None:
        """The clock goes on and nothing runs, as in a process that was stopped."""
        self._now_s += seconds

    def _run_once(self) -> None:
        waiting: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # of the base loop
        self._now_s += TURN_S
        if not self._ready and waiting:  # type: ignore[attr-defined]  # of the base loop
            self._now_s = max(self._now_s, waiting[0].when())
        super()._run_once()  # type: ignore[misc]  # of the base loop


class Worker:
    """One worker over some partitions; made anew after each crash."""

    def __init__(self, world: World, partitions: Sequence[int], fail_on_id: str = "") -> None:
        encoder = RowEncoder(FEATURES, KEY)
        self._ticks = 0
        engine = Engine(FEATURES, encoder, 1 << 18, FixedClock(T0_MS), self._clock_ns, "w", fail_on_id)
        self.states = StateCalls(
            _Timelines(world), _History(world, encoder), STATE_WAIT_MS, engine.enter, lambda why: None
        )
        places = [Place(topic, p) for topic in KINDS for p in partitions]
        self._before = asyncio.all_tasks()
        self.pump = Pump(
            PumpParts(
                portfolio=NAME,
                consumer=lambda rebalance: _Consumer(world, places, rebalance),
                producer=_Producer(world),
                inputs=Inputs(KINDS, Limits(3_600_000, 7 * 86_400_000, "EUR")),
                engine=engine,
                states=self.states,
                letter=lambda message, dead, attempt, detail: dead_letter(
                    message, dead, "scorer", attempt, T0_MS, CardKey(KEY), detail
                ),
                crash=CrashPoints(),
                clock=FixedClock(T0_MS),
                clock_ns=self._clock_ns,
                beat=lambda: None,
                batch_records=8,
                commit_every_s=0,
            )
        )
        self.pump.take_release(world.deciding)

    def _clock_ns(self) -> int:
        self._ticks += 1_000_000
        return self._ticks

    async def start(self) -> None:
        """Begin; it runs whenever the caller awaits."""
        await Service.start(self.pump)
        for _ in range(3):
            await asyncio.sleep(0)  # a task that never began cannot be cancelled without a warning

    @property
    def crash(self) -> BaseException | None:
        """What it died of by itself."""
        return self.pump.crash_reason

    async def drop(self) -> None:
        """All its tasks end where they stand."""
        tasks = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def data_file(folder: Path) -> Path:
    """The simulated portfolio as a file."""
    path = folder / f"{NAME}.toml"
    path.write_text(PORTFOLIO.format(name=NAME))
    return path
