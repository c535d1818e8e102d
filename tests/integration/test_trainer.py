"""The trainer as a process on a real broker: requests, repeats, poison, kill -9 in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.kafka import KafkaServer
from services.trainer.edge.jobs import METADATA, JobState, JobTable
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode, encode
from shared.contracts.models import ModelCard
from shared.contracts.operations import DeadLetter, ReplayRequest, Status, TrainingRequest
from shared.contracts.topics import topic_name
from shared.stores.artefacts import ArtefactStore
from shared.stores.database import Database, sqlite_url
from shared.stores.kafka_log import append, read_whole
from shared.stores.signing import read_trusted
from tests.support.kernels import lend
from tests.support.small_lake import AS_OF_MS, SmallLake, make_small_lake
from tests.support.topics import create_topics

SLOW_ITERATIONS = 1_500


class Stand:
    """A data folder, topics and the trainer's process of one test."""

    def __init__(self, bootstrap: str, folder: Path, iterations: int = 20) -> None:
        self.bootstrap = bootstrap
        self.portfolio = f"p{uuid.uuid4().hex[:8]}"
        self.folder = folder
        lend(folder)
        self.lake: SmallLake = make_small_lake(folder, self.portfolio, iterations=iterations)
        create_topics(
            bootstrap, self.portfolio, "requests", "candidates", "dead-letters", "status", input_partitions=1
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "ASSAY_KAFKA": self.bootstrap,
            "ASSAY_DATA_DIR": str(self.folder),
            "ASSAY_PORTFOLIO": self.portfolio,
            "ASSAY_PORTFOLIO_FILE": str(self.lake.portfolio_file),
            "ASSAY_INSTANCE": self.portfolio,
            "ASSAY_TRAINER_SESSION_TIMEOUT_S": "6",
        }
        with (self.folder / "trainer.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.trainer"], env={**os.environ, **settings}, stderr=log
            )

    def running(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid)

    def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=40)

    def ask(self, request_id: str, days: int = 0) -> bytes:
        request = TrainingRequest(
            v=1,
            request_id=request_id,
            portfolio=self.portfolio,
            as_of_ms=AS_OF_MS,
            days=days,
            at_ms=AS_OF_MS,
            by="ann",
            reason="test",
        )
        return self.send(b"training", encode(request))

    def send(self, key: bytes, value: bytes) -> bytes:
        append(KafkaAddress(self.bootstrap), topic_name(self.portfolio, "requests"), key, value)
        return value

    def cards(self) -> list[ModelCard]:
        records = read_whole(KafkaAddress(self.bootstrap), topic_name(self.portfolio, "candidates"))
        return [decode(ModelCard, record.value) for record in records]

    def letters(self) -> list[DeadLetter]:
        records = read_whole(KafkaAddress(self.bootstrap), topic_name(self.portfolio, "dead-letters"))
        return [decode(DeadLetter, record.value) for record in records]

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, (self.folder / "trainer.log").read_text()[-3000:]
            assert self.process is None or self.process.poll() is None, (
                self.folder / "trainer.log"
            ).read_text()[-3000:]
            time.sleep(0.2)

    def jobs(self) -> JobTable:
        return JobTable(Database.open(sqlite_url(self.folder / "sql" / "trainer.db"), METADATA))

    def count(self, state: JobState) -> int:
        table = self.jobs()
        try:
            return table.count(state)
        finally:
            table.close()


@pytest.fixture
def make_stand(kafka_server: KafkaServer, tmp_path: Path) -> Iterator[Callable[..., Stand]]:
    stands: list[Stand] = []

    def make(iterations: int = 20) -> Stand:
        stands.append(Stand(kafka_server.bootstrap, tmp_path, iterations))
        return stands[-1]

    yield make
    for stand in stands:
        if stand.process is not None and stand.process.poll() is None:
            stand.end(signal.SIGKILL)


def test_requests_become_one_candidate_each(make_stand: Callable[..., Stand]) -> None:
    stand = make_stand()
    stand.ask("r1")
    stand.ask("r1")
    stand.ask("r2", days=2)
    stand.send(b"replay", b"whatever it is, it is the replayer's")
    stand.send(b"training", b"no json")
    replay = ReplayRequest(
        v=1, request_id="x", portfolio="p", from_ms=AS_OF_MS, to_ms=AS_OF_MS, at_ms=AS_OF_MS, by="a"
    )
    stand.send(b"", encode(replay))
    stand.start()
    stand.until(lambda: len(stand.cards()) >= 2)
    stand.ask("r1")
    stand.ask("r3")
    stand.until(lambda: len(stand.cards()) >= 3)
    cards = {card.request_id: card for card in stand.cards()}
    assert [cards[name].outcome for name in ("r1", "r2", "r3")] == ["candidate", "failed", "candidate"]
    assert len(stand.cards()) == 3
    assert "none left to train on" in cards["r2"].detail
    trusted = read_trusted(stand.folder / "keys")
    models = [
        ArtefactStore(stand.folder / "artefacts").load(cards[n].artefact, trusted) for n in ("r1", "r3")
    ]
    assert models[0].model_text == models[1].model_text
    assert [(letter.reason, letter.body) for letter in stand.letters()] == [("not_json", b"no json")]
    stand.until(lambda: stand.count(JobState.DONE) == 2)
    _says_it_is_ready(stand)
    _listens_nowhere(stand)
    assert stand.end(signal.SIGTERM) == 0


def _says_it_is_ready(stand: Stand) -> None:
    own = stand.portfolio

    def ready() -> bool:
        records = read_whole(KafkaAddress(stand.bootstrap), "status")
        said = [decode(Status, record.value) for record in records if own.encode() in record.value]
        return any(status.state == "ready" and status.numbers["jobs_done"] == 2 for status in said)

    stand.until(ready)


def _listens_nowhere(stand: Stand) -> None:
    """Faust's own web server stays off."""
    connections = stand.running().net_connections("tcp")
    assert [c.laddr for c in connections if c.status == psutil.CONN_LISTEN] == []


def test_a_killed_trainer_goes_on_and_announces_once(make_stand: Callable[..., Stand]) -> None:
    stand = make_stand(iterations=SLOW_ITERATIONS)
    stand.ask("r1")
    stand.start()
    children: list[psutil.Process] = []

    def training() -> bool:
        children[:] = stand.running().children()
        return stand.count(JobState.RUNNING) == 1 and bool(children)

    stand.until(training)
    assert stand.cards() == []
    stand.end(signal.SIGKILL)
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert (len(gone), alive) == (1, []), "the child ends with its parent"
    stand.start()
    stand.until(lambda: stand.count(JobState.DONE) == 1)
    job = stand.jobs().get("r1")
    assert job is not None
    assert job.attempts == 2
    assert set(job.stages_ms) == {"read", "build", "fit", "store"}
    assert [card.request_id for card in stand.cards()] == ["r1"]
    assert stand.end(signal.SIGTERM) == 0


def test_an_announced_card_is_not_announced_again(make_stand: Callable[..., Stand]) -> None:
    stand = make_stand()
    stand.ask("r1")
    stand.start()
    stand.until(lambda: stand.count(JobState.DONE) == 1)
    stand.end(signal.SIGKILL)
    # As if the kill had come between the announcement and its note in SQL.
    table = stand.jobs()
    table.start("r1", AS_OF_MS)
    table.close()
    stand.start()
    stand.until(lambda: stand.count(JobState.DONE) == 1)
    assert stand.end(signal.SIGTERM) == 0
    # As if the disk with the job table were lost.
    for path in (stand.folder / "sql").iterdir():
        path.unlink()
    stand.start()
    stand.ask("r1")
    stand.until(lambda: stand.count(JobState.DONE) == 1)
    assert len(stand.cards()) == 1
