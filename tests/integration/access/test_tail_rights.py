"""Who follows a topic through librdkafka needs the right to read it and no other; else it is told so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from kafka import KafkaProducer

from shared.bus.ports import Message, Place
from shared.bus.tail import NativeTail
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name
from tests.integration.access.conftest import PORTFOLIO, Guarded
from tests.support.front_door import until

DECISIONS = topic_name(PORTFOLIO, "decisions")


class Heard(NativeTail):
    """Keeps what came."""

    def __init__(self, kafka: KafkaAddress) -> None:
        super().__init__(kafka, [Place(DECISIONS, 0)])
        self.values: list[bytes | None] = []

    def take(self, messages: Sequence[Message]) -> None:
        self.values += [message.value for message in messages]


async def test_the_gateway_reads_decisions_and_needs_no_group(guarded: Guarded) -> None:
    tail = Heard(guarded.as_("gateway"))
    await tail.start()
    try:
        await until(lambda: tail.is_ready, 20)
        operator = KafkaProducer(**guarded.server.address.options())
        operator.send(DECISIONS, b"decided", partition=0).get(10)
        operator.close()
        await until(lambda: tail.values, 20)
        assert tail.values == [b"decided"]
        assert not tail.crashed
    finally:
        await tail.stop()


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        ("simulator", f"does not let simulator read {DECISIONS}"),
        ("nobody", "does not let gateway in"),
    ],
)
async def test_who_may_not_is_told_by_name(guarded: Guarded, kafka: str, words: str) -> None:
    right = guarded.as_("gateway" if kafka == "nobody" else kafka)
    wrong = KafkaAddress(
        right.bootstrap, right.user, "not its password" if kafka == "nobody" else right.password
    )
    tail = Heard(wrong)
    await tail.start()
    try:
        await until(lambda: tail.crashed, 20)
        assert isinstance(tail.crash_reason, AccessRefused)
        assert words in str(tail.crash_reason)
    finally:
        await tail.stop()
