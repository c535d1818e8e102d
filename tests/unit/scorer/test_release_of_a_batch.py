"""A batch is priced, decided and captured by one release, also when another takes over meanwhile."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Any

import pytest
from msgspec.structs import replace

from services.scorer.edge import pump
from shared.bus.ports import Place
from shared.contracts.codec import decode
from shared.contracts.decisions import Decision
from shared.contracts.money import convert_minor
from shared.contracts.operations import DeadLetter
from shared.contracts.topics import topic_name
from shared.scoring.deciding import Deciding
from shared.scoring.release import next_release
from tests.support.scorer_simulation import (
    FEATURES,
    NAME,
    PARTITIONS,
    Odds,
    VirtualLoop,
    Worker,
    World,
)
from tests.support.scorer_traffic import STEP_MS, T0_MS, payment
from tests.unit.scoring.releases import PlainSigner

RATES = ({"USD": 900_000}, {"USD": 500_000}, {"GBP": 2_000_000})
PAYMENTS = 120


def deciding_with(world: World, rates_ppm: dict[str, int]) -> Deciding:
    """The next release after the world's, with other rates."""
    before = world.deciding.release
    content = replace(before.content, rates_ppm=rates_ppm)
    return Deciding(next_release(content, before, T0_MS, "sim", "rates", "r2", PlainSigner()), FEATURES, ())


async def lived(world: World) -> None:
    """Payments of three currencies, while three releases take turns."""
    worker = Worker(world, range(PARTITIONS))
    releases = []
    for rates in RATES:
        world.deciding = deciding_with(world, rates)
        releases.append(world.deciding)
    worker.pump.take_release(releases[0])
    await worker.start()
    turns = cycle(releases)
    for number in range(PAYMENTS):
        currency = ("EUR", "USD", "GBP")[number % 3]
        paid = payment(f"tx-{number}", T0_MS + number * STEP_MS, account_id=f"a-{number % 7}")
        world.put([replace(paid, currency=currency, amount_minor=1_000 + number)])
        await world.pause(12)
        worker.pump.take_release(next(turns))
    while not world.is_settled():
        assert worker.crash is None
        await asyncio.sleep(0.01)
    await worker.drop()


def test_every_payment_has_the_amount_of_the_release_that_its_capture_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump, "BETWEEN_S", 0)
    world = World(3, Odds(lost_answer=0, restart=0))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(lived(world))
    sent = {
        tx.tx_id: tx
        for place in world.places()
        for taken in world.log.partitions[place]
        for tx in [decode(type(payment("")), taken.value or b"")]
    }
    rates_of = {seq: {"EUR": 1_000_000, **rates} for seq, rates in enumerate(RATES, start=2)}
    rows = {str(row["id"]): row for _, row in world.captured()}
    for tx_id, row in rows.items():
        rate = rates_of[int(str(row["release_seq"]))][sent[tx_id].currency]
        assert row["amount_base_minor"] == convert_minor(sent[tx_id].amount_minor, rate)
    decided = {one.tx_id: one.release_seq for one in read(world, "decisions", Decision)}
    assert decided == {tx_id: row["release_seq"] for tx_id, row in rows.items()}
    refused = [letter.reason for letter in read(world, "dead-letters", DeadLetter)]
    assert set(refused) == {"no_rate"}
    assert len(refused) + len(rows) == PAYMENTS
    assert len({row["release_seq"] for row in rows.values()}) == len(RATES)


def read(world: World, name: str, kind: type[Any]) -> list[Any]:
    """Every record of a topic."""
    places = [Place(topic_name(NAME, name), p) for p in range(PARTITIONS)]
    return [decode(kind, taken.value or b"") for place in places for taken in world.log.partitions[place]]
