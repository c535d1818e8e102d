"""Where reading goes on: after the lake's offset, and what is said when Kafka no longer has it."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.bus.assigned_log import AssignedLog, TopicRecreated
from shared.bus.ports import Place
from shared.contracts.addresses import KafkaAddress

PLACE = Place("bank.labels", 0)


class FakeConsumer:
    """A log of one partition from ``first`` to ``last``."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self.at: dict[TopicPartition, int] = {}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._first)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._last)

    def assign(self, places: list[TopicPartition]) -> None:
        self.at = dict.fromkeys(places, -1)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at[place] = offset


def log_over(consumer: Any) -> AssignedLog:
    log = AssignedLog(
        KafkaAddress("nowhere"),
        "bank.archiver",
        "archiver-1",
        ["bank.labels"],
        "the lake",
        "Move it away",
        100,
    )
    log._consumer, log._places = consumer, [PLACE]
    return log


@pytest.mark.parametrize(("position", "at", "lost"), [(None, 10, 0), (15, 15, 0), (20, 20, 0), (4, 10, 6)])
async def test_reading_goes_on_after_the_lake(position: int | None, at: int, lost: int) -> None:
    consumer = FakeConsumer(10, 20)
    log = log_over(consumer)
    assert await log.begin({PLACE: position}) == {PLACE: at}
    assert consumer.at == {TopicPartition(*PLACE): at}
    assert log.lost == lost


async def test_a_log_that_ends_before_the_lake_is_another_log() -> None:
    with pytest.raises(TopicRecreated, match="made anew"):
        await log_over(FakeConsumer(0, 3)).begin({PLACE: 9})
