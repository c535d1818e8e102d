"""F02, F08, F17, F22 at the front door: gateways killed at named places, a broker that is away, bad bodies.

A stand of the scorer, real gateways as processes, a real broker, a real Redis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from services.gateway.core.operations import PAYMENT
from shared.contracts.codec import decode
from shared.contracts.decisions import Answer
from tests.faults.conftest import stand_maker
from tests.support.gateway_process import SECRET, GatewayProcess
from tests.support.scorer_process import wait_until
from tests.support.scorer_stand import Stand, by_tx
from tests.support.topics import create_topics

POINTS: Final = ("after_claim", "after_accept", "after_answer")
AWAY_S: Final = 20.0
GROWTH_BYTES: Final = 64 << 20
Ask = Callable[..., httpx.Response]
BODY: Final = {name: PAYMENT[name] for name in ("event_time_ms", "amount_minor", "currency", "terminal_id")}


@dataclass
class House:
    """One portfolio with a scorer and gateways."""

    stand: Stand
    folder: Path
    gateways: list[GatewayProcess] = field(default_factory=list)

    def start(self, **settings: str) -> GatewayProcess:
        """One more gateway."""
        name = str(len(self.gateways) + 1)
        told = {
            "kafka": self.stand.bootstrap,
            "redis_url": self.stand.redis_url,
            "data_dir": str(self.stand.home),
            "portfolio": self.stand.name,
            "sql_url": f"sqlite:///{self.folder / 'keys.db'}",
            "operator_key_file": str(self.folder / "operator"),
            "instance": name,
            "deadline_ms": "8000",
            **settings,
        }
        gateway = GatewayProcess(told, self.folder / f"gateway-{name}.log")
        self.gateways.append(gateway)
        return gateway

    def answers(self) -> dict[str, list[Answer]]:
        """Records of the topic by tx_id."""
        found: dict[str, list[Answer]] = {}
        for taken in self.stand.read("answers"):
            answer = decode(Answer, taken.value or b"")
            found.setdefault(answer.tx_id, []).append(answer)
        return found


@pytest.fixture(scope="module")
def house(
    kafka_server: KafkaServer, redis_server: RedisServer, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "operator").write_text(SECRET)
    with stand_maker(kafka_server, redis_server, home, folder) as make:
        stand = make()
        create_topics(stand.bootstrap, stand.name, "answers", "audit")
        stand.start()
        found = House(stand, folder)
        found.start().until_ready()
        try:
            yield found
        finally:
            for gateway in found.gateways:
                gateway.kill()


@pytest.fixture(scope="module")
def key(house: House) -> str:
    """A key that may do everything."""
    return house.gateways[0].make_key()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One for all: making one takes longer than a call."""
    with httpx.Client(timeout=30) as made:
        yield made


@pytest.fixture
def ask(client: httpx.Client, key: str) -> Ask:
    """Asks a gateway for a decision; ``fields`` are changed in the body."""

    def post(gateway: GatewayProcess, tx_id: str, query: str = "", **fields: Any) -> httpx.Response:
        body = {**BODY, "tx_id": tx_id, "account_id": f"a-{tx_id}", **fields}
        headers = {"authorization": f"Bearer {key}"}
        return client.post(f"{gateway.url}/v1/decisions{query}", json=body, headers=headers)

    return post


def test_a_payment_is_decided_and_its_answer_stands_on_its_topic(house: House, ask: Ask) -> None:
    response = ask(house.gateways[0], "t-plain")
    assert (response.status_code, response.json()["kind"]) == (200, "final")
    wait_until(lambda: "t-plain" in house.answers(), 10, house.gateways[0].tail)
    [answer] = house.answers()["t-plain"]
    assert answer.decision_id == response.json()["decision_id"]


@pytest.mark.parametrize("point", POINTS)
def test_f02_killed_there_the_retry_through_another_gateway_gets_the_one_answer(
    house: House, ask: Ask, point: str
) -> None:
    tx_id = f"t-{point.replace('_', '-')}"
    dying = house.start(crash_at=point)
    dying.until_ready()
    with pytest.raises(httpx.TransportError):  # no status at all, so no 2xx
        ask(dying, tx_id)
    assert dying.wait() == -9
    retry = ask(house.gateways[0], tx_id)
    again = ask(house.gateways[0], tx_id)
    assert retry.status_code == 200, retry.text
    assert retry.content == again.content
    copies = by_tx(house.stand.decisions())[tx_id]
    assert len({decision.core_hash for decision in copies}) == 1
    assert {decision.decision_id for decision in copies} == {retry.json()["decision_id"]}
    inputs = [taken for taken in house.stand.read("transactions") if tx_id.encode() in (taken.value or b"")]
    assert len({taken.value for taken in inputs}) == 1
    assert len(inputs) == (2 if point == "after_accept" else 1), "the kill came at another place"
    predictions = [p for p in house.stand.predictions() if p.tx_id == tx_id]
    assert len({(p.prediction_id, p.score) for p in predictions}) <= 1
    # What died after the answer was set has left its record to the others.
    wait_until(lambda: tx_id in house.answers(), 25, house.gateways[0].tail, 0.5)
    assert [answer.decision_id for answer in house.answers()[tx_id]] == [retry.json()["decision_id"]]


def test_f22_the_same_id_with_another_body_through_another_gateway(house: House, ask: Ask) -> None:
    second = house.start()
    second.until_ready()
    first = ask(house.gateways[0], "t-twice")
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, gateway, "t-twice") for gateway in (house.gateways[0], second) * 8]
        assert {call.result().content for call in calls} == {first.content}
    other = ask(second, "t-twice", amount_minor=1)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "tx_conflict")
    assert "tx_conflict" not in house.stand.letter_reasons()
    assert second.stop() == 0


def test_f17_ten_megabytes_are_refused_and_memory_stays(
    house: House, ask: Ask, client: httpx.Client, key: str
) -> None:
    gateway = house.gateways[0]
    before = gateway.rss_bytes()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for path in ("/v1/decisions", "/v1/transactions") * 5:
        response = client.post(f"{gateway.url}{path}", content=b" " * (10 << 20), headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "oversize")
    assert gateway.rss_bytes() - before < GROWTH_BYTES
    assert ask(gateway, "t-after-large").status_code == 200


def test_f08_the_broker_is_away_and_comes_back(kafka_server: KafkaServer, house: House, ask: Ask) -> None:
    gateway = house.gateways[0]
    assert ask(gateway, "t-before-away").status_code == 200
    before = gateway.rss_bytes()
    house.stand.sender.close()  # its library drops sockets unclosed when the broker refuses them
    kafka_server.kill()
    try:
        end, number, was_unready = time.monotonic() + AWAY_S, 0, False
        with ThreadPoolExecutor(8) as pool:
            while time.monotonic() < end:
                calls = [
                    pool.submit(
                        ask, gateway, f"t-away-{number + n}", "?deadline_ms=1000", texts={"fill": "x" * 256}
                    )
                    for n in range(8)
                ]
                number += 8
                for call in calls:
                    response = call.result()
                    assert response.status_code == 503, response.text
                    assert response.json()["error"]["code"] == "kafka_away"
                    assert int(response.headers["retry-after"]) >= 1
                was_unready = was_unready or not gateway.is_ready()
        assert number > 200, "the gateway made its callers wait"
        assert was_unready, "its health says nothing of it"
        assert gateway.rss_bytes() - before < GROWTH_BYTES
    finally:
        kafka_server.start()
    gateway.until_ready(60)
    wait_until(lambda: ask(gateway, "t-back").status_code == 200, 60, gateway.tail, 0.5)
    assert gateway.exit_code is None
    sent = b"".join(taken.value or b"" for taken in house.stand.read("transactions"))
    late = [n for n in range(number) if b'"t-away-%d"' % n in sent]
    assert len(late) <= 8, "nothing but the batch under way may come late"
