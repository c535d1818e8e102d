"""F15: a worker left without partitions ends itself; a spare one of a healthy group stays."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.contracts.topics import topic_name
from tests.faults.conftest import MakeStand, checked
from tests.support.scorer_process import wait_until
from tests.support.scorer_stand import INPUTS, Stand
from tests.support.scorer_traffic import traffic

STUCK_AFTER_S = 3


class _NeverAssigns(RangePartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """A leader that is asked to share with others and does not answer: the group never gets on."""

    over = threading.Event()

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        if len(members) > 1:
            cls.over.wait(60)
        return super().assign(cluster, members)


@contextmanager
def _rogue(stand: Stand) -> Iterator[None]:
    """A member of the scorers' group that leads it and hangs; in a thread with a loop of its own."""
    _NeverAssigns.over.clear()
    joined = threading.Event()

    async def run() -> None:
        consumer = AIOKafkaConsumer(
            *[topic_name(stand.name, name) for name in INPUTS],
            bootstrap_servers=stand.bootstrap,
            group_id=f"{stand.name}.scorer",
            enable_auto_commit=False,
            session_timeout_ms=40_000,
            heartbeat_interval_ms=500,
            partition_assignment_strategy=(_NeverAssigns,),
        )
        await consumer.start()
        joined.set()
        await asyncio.to_thread(_NeverAssigns.over.wait)
        await consumer.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="rogue")
    thread.start()
    try:
        assert joined.wait(40), "the rogue could not join"
        yield
    finally:
        _NeverAssigns.over.set()
        thread.join()


def test_a_worker_without_partitions_exits_and_its_successor_goes_on(make_stand: MakeStand) -> None:
    stand = make_stand(stuck_after_ms=str(STUCK_AFTER_S * 1000))
    worker = stand.start()
    stand.until_joined(1)
    stand.sender.send(traffic(15, 50))
    stand.until_settled()
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        time.sleep(5)  # longer than its session: the group goes on without it
    except BaseException:
        worker.kill()
        raise
    with _rogue(stand):
        os.kill(worker.pid, signal.SIGCONT)
        assert worker.wait(30) == 1
        assert "Stuck" in worker.tail()
    stand.sender.send(traffic(16, 50, "later"))
    # The group waits for what is left of the dead member's session before it gives the partitions away.
    stand.start(stuck_after_ms="30000")
    stand.until_settled(60)
    checked(stand)


def test_a_worker_that_never_gets_partitions_exits(make_stand: MakeStand) -> None:
    stand = make_stand(stuck_after_ms=str(STUCK_AFTER_S * 1000))
    with _rogue(stand):
        worker = stand.start()
        assert worker.wait(40) == 1
        assert "Stuck" in worker.tail()


def test_a_spare_worker_of_a_healthy_group_stays_and_takes_over(make_stand: MakeStand) -> None:
    stand = make_stand(stuck_after_ms=str(STUCK_AFTER_S * 1000))
    workers = [stand.start() for _ in range(3)]
    wait_until(
        lambda: len({status.instance for status in stand.statuses()}) == 3, 60, lambda: stand.tails(), 0.4
    )
    time.sleep(STUCK_AFTER_S + 2)
    assert [worker.exit_code for worker in workers] == [None] * 3, stand.tails()
    workers[0].kill()
    stand.sender.send(traffic(17, 100))
    stand.until_settled()
    checked(stand)
