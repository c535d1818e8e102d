"""Decisions go at once, their trail with that of others, and offsets count when all of it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from services.scorer.core.offsets import Note, OffsetTrack
from services.scorer.edge import publisher as module
from services.scorer.edge.outputs import Outputs
from services.scorer.edge.publisher import GATHER_NS, Publisher
from shared.bus.ports import Batch, LogAway, Outgoing, Place
from shared.runtime.crash_points import CrashPoints

DECISIONS, CAPTURES, INPUT = Place("decisions", 0), Place("captures", 0), Place("transactions", 0)
ROWS = 8


class Wire:
    """A producer that confirms when it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[Place, list[bytes]]] = []
        self.waiting: list[asyncio.Future[None]] = []

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        self.sent.append((place, [record.value for record in records]))
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to flush."""

    def confirm(self) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(None)


class FakeTrail:
    """What the publisher asks of a trail; ``deciding`` is the release."""

    def __init__(self, name: str, rows: int = 1, deciding: object = "release 1") -> None:
        self.name, self.rows, self.deciding = name, rows, deciding

    def __len__(self) -> int:
        return self.rows


def together(trails: list[FakeTrail]) -> Outputs:
    outputs = Outputs()
    outputs.add(CAPTURES, Outgoing(None, " ".join(trail.name for trail in trails).encode()))
    return outputs


class Bench:
    """A publisher on a `Wire`, and the offsets that it confirms."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.now_ns = 0
        self.failures: list[BaseException] = []
        self.track = OffsetTrack(0, Note())
        self.track.receive([(offset, 0, None) for offset in range(20)])
        self.publisher = Publisher(self.wire, CrashPoints(), self.failures.append, lambda: self.now_ns, ROWS)

    async def decided(self, offset: int, trail: Any) -> None:
        outputs = Outputs()
        outputs.add(DECISIONS, Outgoing(None, b"%d" % offset))
        outputs.settles[INPUT].append(offset)
        await self.publisher.publish(outputs, {INPUT: self.track}, trail)

    async def settled(self) -> int:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.track.next_offset

    def trails(self) -> list[bytes]:
        return [value for place, values in self.wire.sent if place == CAPTURES for value in values]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(module, "trail_outputs", together)
    return Bench()


async def test_decisions_go_at_once_and_settle_with_their_trail(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a"))
    await bench.decided(1, FakeTrail("b"))
    assert bench.wire.sent == [(DECISIONS, [b"0"]), (DECISIONS, [b"1"])]
    bench.wire.confirm()
    assert await bench.settled() == 0
    bench.now_ns = GATHER_NS - 1
    await bench.publisher.flush_due()
    assert not bench.trails()
    bench.now_ns = GATHER_NS
    await bench.publisher.flush_due()
    assert bench.trails() == [b"a b"]
    assert await bench.settled() == 0
    bench.wire.confirm()
    assert await bench.settled() == 2


async def test_a_full_group_does_not_wait(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a", ROWS - 1))
    assert not bench.trails()
    await bench.decided(1, FakeTrail("b"))
    assert bench.trails() == [b"a b"]


async def test_a_group_is_of_one_release(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a"))
    await bench.decided(1, FakeTrail("b", deciding="release 2"))
    assert bench.trails() == [b"a"]
    await bench.publisher.flush()
    assert bench.trails() == [b"a", b"b"]


async def test_what_has_no_trail_goes_behind_what_was_gathered(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a"))
    await bench.decided(1, None)
    assert [place for place, _ in bench.wire.sent] == [DECISIONS, CAPTURES, DECISIONS]
    bench.wire.confirm()
    assert await bench.settled() == 2


async def test_drained_means_gathered_trails_too(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a"))
    draining = asyncio.ensure_future(bench.publisher.drain())
    await bench.settled()
    assert bench.trails() == [b"a"]
    assert not draining.done()
    bench.wire.confirm()
    await draining
    assert await bench.settled() == 1


async def test_one_refused_record_settles_nothing_of_its_group(bench: Bench) -> None:
    await bench.decided(0, FakeTrail("a"))
    await bench.decided(1, FakeTrail("b"))
    await bench.publisher.flush()
    bench.wire.waiting[1].set_exception(LogAway("gone"))
    bench.wire.confirm()
    assert await bench.settled() == 0
    assert [str(error) for error in bench.failures] == ["gone"]


async def test_an_idle_loop_wakes_when_the_group_is_due(bench: Bench) -> None:
    assert bench.publisher.wait_ms(500) == 500
    await bench.decided(0, FakeTrail("a"))
    bench.now_ns = 30_000_000
    assert bench.publisher.wait_ms(500) == 70
    assert bench.publisher.wait_ms(50) == 50
    bench.now_ns = 2 * GATHER_NS
    assert bench.publisher.wait_ms(500) == 0
