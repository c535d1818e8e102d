"""The console on a broker that lets it do what the table says: read, judge, restart, and a broker lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.kafka.broker import apply
from infra.kafka.grants import apply_access
from infra.kafka.topics import wanted_topics
from infra.local.kafka import KafkaServer
from infra.local.secrets import Secrets
from services.console.settings import ConsoleSettings
from services.console.wiring import Console
from shared.bus.ports import Place
from shared.bus.sync import produce_confirmed
from shared.contracts.codec import decode, encode
from shared.contracts.decisions import Flagged
from shared.contracts.operations import Status
from shared.contracts.payments import Label
from shared.runtime.clock import SystemClock
from shared.runtime.http_server import HttpServer
from shared.stores.audit_writer import fold_audit
from shared.stores.kafka_log import read_whole
from tests.support.console_house import decision, vector

SECONDS = 30.0


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("console") / "secrets")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[KafkaServer]:
    server = KafkaServer(tmp_path_factory.mktemp("console-kafka"), secrets=secrets)
    server.start()
    apply(server.address, wanted_topics(["bank"], 1))
    apply_access(server.address, ["bank"])
    yield server
    server.stop()


class Running:
    """A console process's tree in this loop, and a browser of its first user."""

    def __init__(self, settings: ConsoleSettings, password: str) -> None:
        self._settings = settings
        self._password = password

    async def start(self) -> None:
        self.console = Console(self._settings)
        await self.console.start()
        (server,) = [part for part in self.console._children if isinstance(part, HttpServer)]
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=15)
        form = {"name": "admin", "password": self._password}
        answer = await self.client.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        page = (await self.client.get("/queue")).text
        self.client.headers["x-csrf-token"] = page.split('name="csrf" content="')[1].split('"')[0]

    async def stop(self) -> None:
        await self.client.aclose()
        await self.console.stop()

    async def get(self, path: str) -> Any:
        return (await self.client.get(f"/api/v1{path}")).json()

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """What ``path`` says once it ``holds``."""
        async with asyncio.timeout(SECONDS):
            while not holds(found := await self.get(path)):  # noqa: ASYNC110 - the console is asked, not told
                await asyncio.sleep(0.1)
        return found


@pytest_asyncio.fixture
async def running(broker: KafkaServer, secrets: Secrets, tmp_path: Path) -> AsyncIterator[Running]:
    settings = ConsoleSettings(
        data_dir=tmp_path,
        kafka=broker.bootstrap,
        kafka_user="console",
        kafka_password_file=secrets.file("kafka", "console"),
        operator_key_file=secrets.console_key,
        admin_password_file=secrets.console_admin,
        port=0,
    )
    made = Running(settings, secrets.console_admin.read_text().strip())
    await made.start()
    yield made
    await made.stop()


def put(broker: KafkaServer, topic: str, record: Any) -> None:
    """Append a record as the operator may."""
    produce_confirmed(broker.address, Place(topic, 0), b"key", encode(record))


async def test_a_decision_is_seen_judged_and_the_same_after_a_restart(
    running: Running, broker: KafkaServer
) -> None:
    now_ms = SystemClock().now_ms()
    told = decision(5, now_ms, action="decline", score=0.9, tx_id=f"tx-{now_ms}")
    await asyncio.to_thread(put, broker, "bank.decisions", told)
    await asyncio.to_thread(put, broker, "bank.flagged", Flagged(v=1, decision=told, features=vector(5)))
    word: dict[str, Any] = {"service": "scorer", "instance": "1", "portfolio": "bank", "release_seq": 7}
    await asyncio.to_thread(put, broker, "status", Status(v=1, at_ms=now_ms, state="ready", **word))
    tail = await running.until("/tail", lambda found: bool(found["rows"]))
    assert tail["rows"][0]["tx_id"] == told.tx_id
    await running.until("/queue", lambda found: found["open"] == 1)
    await running.until("/overview", lambda found: found["pulse"]["release_seq"] == 7)
    path = f"/api/v1/queue/{told.tx_id}"
    assert (await running.client.post(f"{path}/claim")).status_code == 204
    judged = await running.client.post(f"{path}/verdict", json={"verdict": "g", "note": "known payee"})
    assert judged.status_code == 204, judged.text

    (record,) = await asyncio.to_thread(read_whole, broker.address, "bank.labels")
    label = decode(Label, record.value)
    assert (label.tx_id, label.verdict, label.source) == (told.tx_id, "genuine", "analyst")
    entries = await asyncio.to_thread(read_whole, broker.address, "audit")
    chain = fold_audit(entry.value for entry in entries)["console"]
    assert [(e.by, e.action, e.subject, e.result) for e in chain.entries] == [
        ("admin", "verdict", told.tx_id, "intended"),
        ("admin", "verdict", told.tx_id, "done"),
    ]
    assert chain.void == 0

    before = (await running.get("/tail"))["rows"]
    await running.stop()
    await running.start()
    assert (await running.until("/tail", lambda found: bool(found["rows"])))["rows"] == before
    queue = await running.get("/queue")
    assert (queue["open"], queue["decided"]) == (0, 1)


def is_newest(tx_id: str, tail: Any) -> bool:
    """Whether ``tail`` begins with the payment."""
    return [row["tx_id"] for row in tail["rows"][:1]] == [tx_id]


async def test_a_lost_broker_is_said_and_what_comes_after_it_is_seen(
    running: Running, broker: KafkaServer
) -> None:
    def kafka_is_away(found: Any) -> bool:
        return [trouble["part"] for trouble in found["troubles"]] == ["kafka"]

    for lose in (broker.stop, broker.kill):
        await running.until("/health", lambda found: not kafka_is_away(found))
        await asyncio.to_thread(lose)
        await running.until("/health", kafka_is_away)
        await running.until("/overview", lambda found: kafka_is_away(found["pulse"]))
        assert "Kafka does not answer" in (await running.client.get("/")).text
        await asyncio.to_thread(broker.start)
        now_ms = SystemClock().now_ms()
        told = decision(9, now_ms, tx_id=f"tx-after-{now_ms}")
        await asyncio.to_thread(put, broker, "bank.decisions", told)
        await running.until("/tail", partial(is_newest, told.tx_id))
