"""Tier S: seeded histories of crashes, lost answers and lost state, each checked like a real stack."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from structlog.testing import capture_logs

from services.scorer.edge import state as state_calls
from shared.bus.ports import Place
from shared.contracts.codec import decode
from shared.contracts.decisions import Decision, Flagged
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Transaction
from shared.contracts.topics import topic_name
from tests.faults.checker import Report, check
from tests.faults.read_back import Captured, Found
from tests.support.scorer_simulation import (
    FEATURES,
    GROUP,
    KEY,
    NAME,
    PARTITIONS,
    Odds,
    VirtualLoop,
    Worker,
    World,
)
from tests.support.scorer_traffic import Mix, Record, traffic

# A crash drops tasks that had not begun yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CRASHES: Final = 4
TURNS: Final = 400
LAST_TURNS: Final = 40_000
KEPT_SEEDS: Final[tuple[int, ...]] = ()
"""Seeds that found something once."""

SEEDS: Final = range(50)
CASES: Final = {
    "crashes": Odds(lost_answer=0, restart=0),
    "lost answers": Odds(),
    "lost state": Odds(flush=0.01),
}


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY_S", "FROZEN_S", "RECONNECT_S"):
        monkeypatch.setattr(state_calls, name, 0.0001)


def records_of(seed: int) -> list[Record]:
    """Traffic with repeats, and other bodies under known ids."""
    world = World(seed)
    records = list(traffic(seed, 60, mix=Mix(accounts=4, terminals=2)))
    for record in [r for r in records if isinstance(r, Transaction)]:
        if world.draw.random() < 0.1:
            records.insert(world.draw.randrange(len(records)), record)
    return records


async def history(world: World, records: list[Record], fail_on_id: str = "") -> None:
    """Run workers and crash them, then let the last one finish in peace."""
    share = len(records) // CRASHES
    for number in range(CRASHES):
        world.put(records[number * share : (number + 1) * share])
        apart = world.draw.random() < 0.5
        workers = [Worker(world, [p], fail_on_id) for p in range(PARTITIONS)] if apart else []
        workers = workers or [Worker(world, range(PARTITIONS), fail_on_id)]
        for worker in workers:
            await worker.start()
        for _ in range(world.draw.randrange(TURNS)):
            await asyncio.sleep(0)
        for worker in workers:
            await worker.drop()
    world.put(records[CRASHES * share :])
    world.is_calm = True
    last = Worker(world, range(PARTITIONS), fail_on_id)
    await last.start()
    for turn in range(LAST_TURNS):
        if turn % 50 == 0 and (world.is_settled() or last.crash):
            break
        await asyncio.sleep(0)
    crash = last.crash
    await last.drop()
    assert crash is None, repr(crash)


def found_in(world: World) -> Found:
    """What stands on the world's topics."""

    def decoded(name: str, record: type) -> list[object]:
        places = [Place(topic_name(NAME, name), p) for p in range(PARTITIONS)]
        return [
            decode(record, taken.value or b"") for place in places for taken in world.log.partitions[place]
        ]

    places = world.places()
    commits = world.log.commits
    return Found(
        features=FEATURES,
        key=KEY,
        inputs={(t.topic, t.partition, t.offset): t for place in places for t in world.log.partitions[place]},
        decisions=decoded("decisions", Decision),  # type: ignore[arg-type]  # by the type given
        predictions=[],
        flagged=decoded("flagged", Flagged),  # type: ignore[arg-type]  # by the type given
        letters=decoded("dead-letters", DeadLetter),  # type: ignore[arg-type]  # by the type given
        captures=[Captured((p.topic, p.partition, row["offset"]), row) for p, row in world.captured()],  # type: ignore[arg-type]  # an offset
        committed={p: commits[GROUP, p].offset if (GROUP, p) in commits else 0 for p in places},
        ends={p: len(world.log.partitions[p]) for p in places},
    )


def run(seed: int, odds: Odds, fail_on_id: str = "") -> Report:
    """One history, checked."""
    world = World(seed, odds)
    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(history(world, records_of(seed), fail_on_id))
    return check(found_in(world), look=world.log_of)


@pytest.mark.parametrize("name", CASES)
def test_seeded_histories(name: str) -> None:
    repeats = 0
    for seed in (*SEEDS, *KEPT_SEEDS):
        report = run(seed, CASES[name])
        assert report.is_good, f"seed {seed}: {report.text()}"
        repeats += report.repeats
    assert repeats > len(SEEDS), "hardly anything was appended twice: the crashes proved little"


def test_seeded_histories_with_a_bug_of_ours() -> None:
    for seed in SEEDS[:30]:
        report = run(seed, Odds(), "tx-7")
        assert report.is_good, f"seed {seed}: {report.text()}"
