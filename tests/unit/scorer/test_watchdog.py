"""The watchdog (F15): what ends a worker that holds partitions, and what is a reason to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from mode import Service
from structlog.testing import capture_logs

from services.scorer.edge import watchdog
from services.scorer.edge.watchdog import Stuck, Watchdog
from shared.bus.ports import LogAway, Outgoing, Place, Run
from shared.contracts import headers
from shared.contracts.codec import encode
from shared.contracts.topics import topic_name
from shared.runtime.health import Health
from tests.support.scorer_simulation import NAME, PARTITIONS, Odds, VirtualLoop, Worker, World, _Consumer
from tests.support.scorer_traffic import payment, traffic

pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),  # a dropped worker's tasks
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STUCK_AFTER_S: Final = 0.3
LONG_S: Final = 4 * STUCK_AFTER_S
CALM: Final = Odds(lost_answer=0, restart=0)

Break = Callable[[World, pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_S", 0.02)


async def _crash(world: World, seconds: float) -> BaseException | None:
    """What the watchdog of a worker in ``world`` ended on, within ``seconds`` of virtual time."""
    worker = Worker(world, range(PARTITIONS))
    dog = Watchdog(worker.pump, worker.states, Health(60), STUCK_AFTER_S)
    await worker.start()
    await Service.start(dog)
    await asyncio.sleep(seconds)
    crash = dog.crash_reason
    await worker.drop()
    return crash


def run(world: World, seconds: float = LONG_S) -> BaseException | None:
    """The same, in a loop whose time does not depend on the machine."""
    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_crash(world, seconds))


async def _takes_nothing(*_: object) -> Sequence[Run]:
    await asyncio.sleep(0)
    return ()


async def _never_confirms(*_: object) -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def _no_answer(*_: object) -> set[Place]:
    raise LogAway("the broker is away")


def _idle_client(_: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.scorer_simulation._Consumer.take", _takes_nothing)


def _no_confirmations(_: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.scorer_simulation._Producer.send", _never_confirms)


def _broker_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _idle_client(world, monkeypatch)
    monkeypatch.setattr("tests.support.scorer_simulation._Consumer.behind", _no_answer)


def _rebuilding(world: World, _: pytest.MonkeyPatch) -> None:
    world.server.frozen = True


def _nothing(_: World, __: pytest.MonkeyPatch) -> None:
    """All is well."""


@pytest.mark.parametrize("hang", [_idle_client, _no_confirmations])
def test_a_worker_with_records_to_go_on_with_that_does_not_is_ended(
    hang: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(1, CALM)
    world.put(list(traffic(1, 40)))
    hang(world, monkeypatch)
    assert isinstance(run(world), Stuck)


@pytest.mark.parametrize("reason", [_nothing, _broker_away, _rebuilding])
def test_a_worker_that_has_a_reason_to_wait_stays(reason: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(2, CALM)
    world.put(list(traffic(2, 40)))
    reason(world, monkeypatch)
    assert run(world) is None
    assert world.is_settled() == (reason is _nothing)


def test_a_process_that_was_stopped_is_given_its_time_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(7, CALM)
    take = _Consumer.take

    async def stopped() -> BaseException | None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        crash = asyncio.create_task(_crash(world, 9 * STUCK_AFTER_S))
        fetched_s = loop.time() + 6 * STUCK_AFTER_S

        async def take_late(consumer: _Consumer, limit: int, wait_ms: int) -> Sequence[Run]:
            return await (take(consumer, limit, wait_ms) if loop.time() >= fetched_s else _takes_nothing())

        monkeypatch.setattr(_Consumer, "take", take_late)
        await asyncio.sleep(STUCK_AFTER_S / 2)
        world.put(list(traffic(7, 40)))
        loop.leap(5 * STUCK_AFTER_S)
        return await crash

    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(stopped()) is None
    assert world.is_settled()


async def _slow_answer(*_: object) -> set[Place]:
    await asyncio.sleep(2 * STUCK_AFTER_S)
    return {Place(topic_name(NAME, "transactions"), 0)}


def test_what_moves_while_the_log_is_asked_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(6, CALM)
    monkeypatch.setattr("tests.support.scorer_simulation._Consumer.behind", _slow_answer)

    async def trickle() -> BaseException | None:
        crash = asyncio.create_task(_crash(world, 20 * STUCK_AFTER_S))
        for number in range(40):
            world.put([payment(f"tx-{number}")])
            await asyncio.sleep(STUCK_AFTER_S / 2)
        return await crash

    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(trickle()) is None


def test_an_idle_worker_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(3, CALM)
    _idle_client(world, monkeypatch)
    assert run(world) is None


def test_a_load_that_waits_for_a_partition_is_no_hang() -> None:
    """Its records are taken and unconfirmed for as long as the loader says nothing on another partition."""
    world = World(4, CALM)
    place = Place(topic_name(NAME, "transactions"), 0)
    for number in range(20):
        tx = payment(f"tx-{number}")
        world.log.append(place, Outgoing(tx.account_id.encode(), encode(tx), ((headers.LOAD, b"load-1"),)))
    assert run(world) is None
    assert not world.is_settled()


def test_what_was_quiet_before_does_not_count() -> None:
    """The time runs from when the log is known to hold records, not from the last one handled."""
    world = World(5, CALM)

    async def late() -> BaseException | None:
        crash = asyncio.create_task(_crash(world, 3 * STUCK_AFTER_S))
        await asyncio.sleep(2 * STUCK_AFTER_S)
        world.put(list(traffic(5, 40)))
        return await crash

    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(late()) is None
    assert world.is_settled()
