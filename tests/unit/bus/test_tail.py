"""A reader that hears nothing asks the broker: one that is away, or a consumer that stands still, is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.bus import tail
from shared.bus.tail import Stuck, _asked

PLACES = [TopicPartition("bank.decisions", number) for number in range(2)]


class Consumer:
    """Ends as the broker says, positions as the client has read."""

    def __init__(
        self, ends: Sequence[int], positions: Sequence[int], answer: Exception | None = None
    ) -> None:
        self._ends = dict(zip(PLACES, ends, strict=True))
        self._positions = dict(zip(PLACES, positions, strict=True))
        self._answer = answer

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        if isinstance(self._answer, TimeoutError):
            await asyncio.sleep(60)
        if self._answer is not None:
            raise self._answer
        return {place: self._ends[place] for place in places}

    async def position(self, place: TopicPartition) -> int:
        return int(self._positions[place])


async def test_quiet_topics_are_no_fault() -> None:
    seen = await _asked(Consumer([7, 3], [7, 3]), PLACES, {})
    assert seen == dict(zip(PLACES, [7, 3], strict=True))
    assert await _asked(Consumer([7, 3], [7, 3]), PLACES, seen) == seen


async def test_records_that_just_came_are_on_their_way() -> None:
    assert await _asked(Consumer([9, 3], [7, 3]), PLACES, dict(zip(PLACES, [7, 3], strict=True)))


async def test_records_that_stood_there_before_and_did_not_come_are_told() -> None:
    with pytest.raises(Stuck):
        await _asked(Consumer([9, 3], [7, 3]), PLACES, dict(zip(PLACES, [9, 3], strict=True)))


@pytest.mark.parametrize("answer", [KafkaConnectionError("gone"), TimeoutError()])
async def test_a_broker_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    monkeypatch.setattr(tail, "ASKED_S", 0.05)
    with pytest.raises((KafkaError, TimeoutError)):
        await _asked(Consumer([7, 3], [7, 3], answer), PLACES, {})
