"""The side reader: what becomes of a record does not depend on which others come with it."""

from __future__ import annotations

from typing import Final

from services.scorer.edge.catch_up import CatchUp
from shared.bus.ports import Place, Taken
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.features.lateness import Limits
from tests.support.scorer_simulation import KINDS, NAME, PARTITIONS, Worker, World
from tests.support.scorer_traffic import DAY_MS, T0_MS, payment

PLACE: Final = Place(f"{NAME}.transactions", 0)
LIMITS: Final = Limits(3_600_000, 30 * DAY_MS, "EUR")


def _taken(offset: int, event_ms: int) -> Taken:
    body = encode(payment(f"tx-{offset}", event_ms))
    return Taken(PLACE.topic, PLACE.partition, offset, T0_MS, b"a-1", body)


async def test_a_record_is_owed_in_one_take_as_in_two() -> None:
    reader = CatchUp(Worker(World(1), range(PARTITIONS)).pump, KafkaAddress(""), KINDS, LIMITS)
    messages = [_taken(0, T0_MS), _taken(1, T0_MS - 40 * DAY_MS), _taken(2, T0_MS + 2 * 3_600_000)]
    at_once = reader._items(PLACE, messages)
    one_by_one = [item for message in messages for item in reader._items(PLACE, [message])]
    assert [item.flags for item in at_once] == [item.flags for item in one_by_one] == [(), (), ("ahead",)]
    assert [item.event_ms for item in at_once] == [item.event_ms for item in one_by_one]
