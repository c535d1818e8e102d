"""A training that crashes or hangs: said in words, tried again, and announced as failed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.trainer.edge import runner
from services.trainer.edge.child import ChildFailed, train_in_child
from services.trainer.edge.jobs import METADATA, JobState, JobTable
from services.trainer.edge.order import Desk, Order
from services.trainer.edge.outbox import Outbox
from services.trainer.edge.runner import JobRunner, Places
from shared.bus.memory import MemoryLog, MemoryProducer
from shared.contracts.addresses import KafkaAddress
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.stores.database import Database, sqlite_url

AT_MS = 1_700_000_000_000
REQUEST = TrainingRequest(
    v=1, request_id="r/1", portfolio="bank", as_of_ms=AT_MS, days=7, at_ms=AT_MS, by="ann", reason="x"
)


def places(folder: Path) -> Places:
    return Places(
        portfolio="bank",
        portfolio_file=folder / "nowhere.toml",
        lake=folder / "lake",
        artefacts=folder / "artefacts",
        keys=folder / "keys",
        signing_key="trainer",
        desk=folder / "desk",
        limit_seconds=60,
    )


async def test_a_crash_is_told_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"code 1: FileNotFoundError.*nowhere\.toml"):
        await train_in_child(Desk(tmp_path, "r/1"), places(tmp_path).order(REQUEST), 60)


async def test_a_training_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="longer than 0 s"):
        await train_in_child(Desk(tmp_path, "r/1"), places(tmp_path).order(REQUEST), 0.05)


class Told(Outbox):
    """Remembers cards instead of sending them."""

    def __init__(self) -> None:
        super().__init__(MemoryProducer(MemoryLog()), KafkaAddress(""), "bank")
        self.cards: list[ModelCard] = []

    async def announce(self, card: ModelCard) -> None:
        self.cards.append(card)

    def announced(self, request_id: str) -> ModelCard | None:
        return next((card for card in self.cards if card.request_id == request_id), None)


async def test_after_three_crashes_the_failure_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(desk: Desk, order: Order, limit_seconds: float) -> None:
        desk.write_order(order)
        raise ChildFailed("ended by signal 11")

    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(runner, "train_in_child", crash)
    table, outbox = JobTable(Database.open(sqlite_url(tmp_path / "x.db"), METADATA)), Told()
    table.record(REQUEST, AT_MS)
    running = JobRunner(table, outbox, places(tmp_path), FixedClock(AT_MS), Health(60))
    async with running:
        while table.count(JobState.FAILED) == 0 or any((tmp_path / "desk").iterdir()):
            await running.sleep(0.05)
    job = table.get("r/1")
    table.close()
    assert job is not None
    assert job.attempts == 3
    assert [card.outcome for card in outbox.cards] == ["failed"]
    assert "tried 3 times; the last time ended by signal 11" in outbox.cards[0].detail
