"""The pump: take, ask the timelines ahead, fold, decide, publish, commit; several batches in flight.

Order of every batch: handle, produce, broker confirms, commit. The next batch's state call goes out before
this batch is folded, so Redis and this worker work at the same time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mode import Service

from services.scorer.core.intake import Item
from services.scorer.core.pricing import refuse_unpriced
from shared.bus.ports import (
    Committed,
    Consumer,
    Fenced,
    LogAway,
    Message,
    Outgoing,
    Place,
    Producer,
    Rebalance,
)
from shared.contracts.outcome import Dead
from shared.contracts.topics import topic_name
from shared.features.timelines import TimelineGap
from shared.runtime.clock import Clock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.logs import get_logger
from shared.scoring.deciding import Deciding
from shared.stores.timeline_port import StoreError, StoreFull

from .counts import Counts
from .engine import Engine
from .guard import ATTEMPTS, BugRate, Failed
from .inputs import Inputs
from .outputs import Outputs
from .prepared import Prepared
from .publisher import Publisher
from .scored import Folded, Scored, captures_only
from .state import StateCalls

log = get_logger("scorer.pump")

IDLE_WAIT_MS = 100
IN_FLIGHT = 2
DRAIN_S = 20.0
BETWEEN_S = 0.01


@dataclass(frozen=True, slots=True)
class PumpParts:
    """What the pump is made of; wiring builds it."""

    portfolio: str
    consumer: Callable[[Rebalance], Consumer]
    producer: Producer
    inputs: Inputs
    engine: Engine
    states: StateCalls
    letter: Callable[[Message, Dead, int, str], Outgoing]
    crash: CrashPoints
    clock: Clock
    clock_ns: Callable[[], int]
    beat: Callable[[], None]
    batch_records: int
    commit_every_s: float


class Pump(Service):
    """Scores everything its partitions bring, from the moment a release is there."""

    def __init__(self, parts: PumpParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._consumer = parts.consumer(Rebalance(self._assigned, self._revoked))
        self._inputs = parts.inputs
        self._engine = parts.engine
        self._states = parts.states
        self._publisher = Publisher(
            parts.producer, parts.crash, self._publishing_failed, parts.clock_ns, parts.batch_records
        )
        self._turn = asyncio.Lock()
        self._released = asyncio.Event()
        self._deciding: Deciding | None = None
        self._pending: deque[Prepared] = deque()
        self._bugs = BugRate()
        self._committed: dict[Place, Committed] = {}
        self._failure: BaseException | None = None
        self.counts = Counts()
        self.joining = False
        self.running = False
        self.spare = False
        self._between = True

    @property
    def release_seq(self) -> int:
        """The release in charge, 0 before the first."""
        return self._deciding.release.seq if self._deciding else 0

    @property
    def consumer(self) -> Consumer:
        """The consumer, for those who look at lag and assignment."""
        return self._consumer

    @property
    def assigned(self) -> bool:
        """Whether any partition is ours; the client's own list outlives a lost membership."""
        return bool(self._inputs.tracks)

    @property
    def waiting(self) -> int:
        """Records taken and not yet confirmed."""
        return self._inputs.outstanding

    @property
    def inputs(self) -> Inputs:
        """What was received and what is confirmed, for those who look at progress."""
        return self._inputs

    @property
    def epoch(self) -> int:
        """The timelines' epoch, 0 before the first."""
        return self._states.epoch.number if self._states.epoch else 0

    def positions(self) -> list[tuple[Place, int, int]]:
        """(partition, committed offset, end of its log), -1 where unknown."""
        found = []
        for place in sorted(self._inputs.tracks):
            committed = self._committed.get(place)
            end = self._consumer.highwater(place)
            found.append((place, committed.offset if committed else -1, -1 if end is None else end))
        return found

    def owed(self) -> dict[Place, tuple[int, int]]:
        """Ranges of offsets that were scored without state; empty while Redis is away."""
        return {} if self._states.away else self._inputs.owed()

    def settled(self, place: Place, stop: int) -> None:
        """The records of ``place`` before ``stop`` are in the timelines now."""
        track = self._inputs.tracks.get(place)
        if track is not None:
            track.paid(stop)

    async def append_only(self, items: list[Item]) -> None:
        """Append and capture ``items`` without deciding. Raises LogAway."""
        deciding = self._in_charge()
        priced, _ = refuse_unpriced(items, deciding.release.content.rates_ppm)
        if not priced:
            return
        async with self._turn:
            await self._finish_pending()
            prepared = self._engine.prepare(priced, 0, deciding)
            self._states.send(prepared)
            folded = await self._folded(prepared)
            if folded.quality == "unavailable":
                raise LogAway("the timelines are away again")
            await self._publisher.publish(captures_only(prepared, folded), {})
            await self._publisher.drain()

    def take_release(self, deciding: Deciding) -> None:
        """From the next batch on this release decides."""
        self._deciding = deciding
        self._released.set()

    def _publishing_failed(self, error: BaseException) -> None:
        self._failure = self._failure or error

    @Service.task
    async def _run(self) -> None:
        await self._released.wait()
        await self._parts.producer.start()
        await self._states.start()
        self.add_future(self._states.watch())
        self.joining = True
        await self._consumer.start()
        self.add_future(self._commit_always())
        self.running = True
        while not self.should_stop:
            async with self._turn:
                try:
                    await self._step()
                except StoreFull:
                    if not self.should_stop:
                        raise
            self._parts.beat()
            await asyncio.sleep(0)

    async def on_stop(self) -> None:
        """Finish what was taken, commit it, leave the group."""
        self._states.closing = True
        if self._failure is None and self.crash_reason is None:
            try:
                await asyncio.wait_for(self._last_turn(), DRAIN_S)
            except (TimeoutError, Fenced, LogAway, StoreFull):
                log.warning("stopped_unsettled", count=self._inputs.outstanding)
        # Not inside a turn: leaving waits for a rebalance under way, which waits for its turn.
        await self._consumer.stop()
        await self._parts.producer.stop()
        await self._states.stop()

    async def _last_turn(self) -> None:
        async with self._turn:
            await self._settle_all()

    async def _step(self) -> None:
        """One take, and the oldest batch in flight to its end."""
        if self._failure is not None:
            raise self._failure
        if self._between or self.should_stop:
            await asyncio.sleep(BETWEEN_S)
            return
        busy = bool(self._pending) or self._inputs.waiting > 0
        started = self._parts.clock_ns()
        wait_ms = 0 if busy else self._publisher.wait_ms(IDLE_WAIT_MS)
        intake = await self._inputs.take(self._consumer, self._parts.batch_records, wait_ms)
        deciding = self._in_charge()
        items, unpriced = refuse_unpriced(intake.items, deciding.release.content.rates_ppm)
        if intake.refused or unpriced:
            await self._refuse([*intake.refused, *unpriced], attempt=1)
        if items:
            decode_us = (self._parts.clock_ns() - started) // 1000 if busy else 0
            await self._begin(items, decode_us, deciding)
        if self._pending and (len(self._pending) >= IN_FLIGHT or not items):
            await self._finish(self._pending.popleft())
        await self._publisher.flush_due()

    async def _begin(self, items: list[Item], decode_us: int, deciding: Deciding) -> None:
        try:
            prepared = self._engine.prepare(items, decode_us, deciding)
        except Exception:  # noqa: BLE001  # our own code failed: find the record, keep its neighbours
            await self._isolate(items, deciding)
            return
        self._states.send(prepared, self._pending)
        self._pending.append(prepared)

    async def _finish(self, prepared: Prepared) -> None:
        self._parts.crash.reach("before_append_answer")
        try:
            folded = await self._folded(prepared)
            self._parts.crash.reach("after_append")
            scored = self._engine.decide(prepared, folded)
        except (StoreError, LogAway):
            raise
        except Exception:  # noqa: BLE001  # our own code failed: find the record, keep its neighbours
            await self._isolate(prepared.items, prepared.deciding)
            return
        await self._publish(prepared, folded, scored)

    def _in_charge(self) -> Deciding:
        assert self._deciding is not None, "nothing is taken before the first release"
        return self._deciding

    async def _folded(self, prepared: Prepared) -> Folded:
        """The batch on its timelines; without them when Redis stays away."""
        while True:
            reply = await self._states.reply(prepared)
            if reply is None:
                return self._engine.degraded(prepared)
            try:
                return self._engine.fold(prepared, reply)
            except TimelineGap:
                prepared.future = None  # the cache was dropped meanwhile: ask again from nothing

    async def _publish(self, prepared: Prepared, folded: Folded, scored: Scored) -> None:
        for item in scored.conflicts:
            self._add_dead(scored.outputs, item.message, Dead("tx_conflict", "tx_id"), 1)
        self._owe(prepared, folded)
        await self._publisher.publish(scored.outputs, self._inputs.tracks, scored.trail)
        self.counts.scored(scored, len(prepared.items))
        self._bugs.handled(len(prepared.items))

    def _owe(self, prepared: Prepared, folded: Folded) -> None:
        if folded.quality != "unavailable":
            return
        for item in prepared.items:
            track = self._inputs.tracks.get(Place(item.message.topic, item.message.partition))
            if track is not None:
                track.owe(item.message.offset)

    async def _isolate(self, items: list[Item], deciding: Deciding) -> None:
        """Each record alone, three attempts; what still fails goes to dead letters. Raises TooManyBugs."""
        log.exception("batch_failed", records=len(items))
        await self._finish_pending()
        for item in items:
            for attempt in range(1, ATTEMPTS + 1):
                failed = await self._alone(item, deciding)
                if failed is None:
                    break
                log.error("record_failed", attempt=attempt, reason="bug", error=failed.error)
                if attempt == ATTEMPTS:
                    self._bugs.failed(self._parts.clock_ns())
                    await self._refuse([(item.message, Dead("bug"))], attempt, failed.error, failed.appended)

    async def _alone(self, item: Item, deciding: Deciding) -> Failed | None:
        """One record through all stages; what our code raised, or None."""
        self._engine.forget()
        appended = None
        try:
            prepared = self._engine.prepare([item], 0, deciding)
            folded = await self._folded(prepared)
            appended = captures_only(prepared, folded)
            self._owe(prepared, folded)
            scored = self._engine.decide(prepared, folded)
        except (StoreError, LogAway):
            raise
        except Exception as error:  # noqa: BLE001  # counted, retried and dead-lettered by the caller
            return Failed(type(error).__name__, appended)
        await self._publish(prepared, folded, scored)
        return None

    async def _refuse(
        self,
        refused: list[tuple[Message, Dead]],
        attempt: int,
        detail: str = "",
        appended: Outputs | None = None,
    ) -> None:
        """Dead letters, with the captures of records that stand in the timelines all the same."""
        outputs = appended or Outputs()
        for message, dead in refused:
            self._add_dead(outputs, message, dead, attempt, detail)
            outputs.settles[Place(message.topic, message.partition)].append(message.offset)
        await self._publisher.publish(outputs, self._inputs.tracks)

    def _add_dead(
        self, outputs: Outputs, message: Message, dead: Dead, attempt: int, detail: str = ""
    ) -> None:
        place = Place(topic_name(self._parts.portfolio, "dead-letters"), message.partition)
        outputs.add(place, self._parts.letter(message, dead, attempt, detail))
        self.counts.refuse(dead.reason)

    async def _finish_pending(self) -> None:
        while self._pending:
            await self._finish(self._pending.popleft())

    async def _settle_all(self) -> None:
        """Everything taken is decided, confirmed and committed, within a bound."""
        await asyncio.wait_for(self._drained(), DRAIN_S)
        await self._commit()

    async def _drained(self) -> None:
        await self._finish_pending()
        await self._publisher.drain()

    async def _assigned(self, places: set[Place]) -> None:
        async with self._turn:
            committed = {place: await self._consumer.committed(place) for place in places}
            self._inputs.assign(committed)
            self._committed = {}
            self.spare = not places
            self._between = False
        log.info("assigned", partitions=sorted(f"{p.topic}/{p.partition}" for p in places))

    async def _revoked(self, places: set[Place]) -> None:
        self.spare = False
        # From here until we are told what is ours nothing is taken: the client would wait for that inside
        # our turn, or hand out records of partitions that are no longer ours.
        self._between = True
        if not places:
            return
        async with self._turn:
            try:
                await self._settle_all()
            except (TimeoutError, Fenced, LogAway):
                log.warning("revoked_unsettled", count=self._inputs.outstanding)
            except Exception as error:  # noqa: BLE001  # the client would log it and go on
                self._publishing_failed(error)
            finally:
                self._pending.clear()
                self._engine.forget()
                self._inputs.revoke()

    async def _commit_always(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(self._parts.commit_every_s)
            if self._bugs.doubtful(self._parts.clock_ns()):
                continue
            try:
                await self._commit()
            except Fenced:
                log.warning("commit_refused", count=self._inputs.outstanding)

    async def _commit(self) -> None:
        ready = self._inputs.committable()
        changed = {place: ready[place] for place in ready if ready[place] != self._committed.get(place)}
        if not changed:
            return
        self._parts.crash.reach("before_commit")
        await self._consumer.commit(changed)
        self._committed.update(changed)
