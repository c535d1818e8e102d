"""Greedy keys, bad keys, too much at once, Kafka or Redis away, defects of our own (S14, S16, F08)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from services.gateway.core import bodies
from services.gateway.core.slots import Slots
from services.gateway.edge import publisher as publisher_room
from services.gateway.edge import taking
from services.gateway.edge.strangers import KEPT, Strangers
from shared.contracts.codec import encode
from tests.support.front_door import FrontDoor, payment, until

from .conftest import MakeDoor

URL = "/v1/decisions"


def lines(count: int, start: int = 0) -> bytes:
    return b"\n".join(json.dumps(payment(f"t-{n}")).encode() for n in range(start, start + count))


NDJSON = {"content-type": "application/x-ndjson"}


async def test_a_greedy_key_waits_and_its_neighbour_does_not(door: FrontDoor) -> None:
    greedy, neighbour = await door.key(rate_per_s=10, burst=3), await door.key()
    async with door.client(greedy) as one, door.client(neighbour) as two:
        statuses = [(await one.post(URL, json=payment(f"g-{n}"))).status_code for n in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = await one.post(URL, json=payment("g-9"))
        assert refused.json()["error"]["code"] == "rate_limited"
        assert refused.headers["retry-after"] == "1"
        assert (await two.post(URL, json=payment("n-1"))).status_code == 200
        door.clock.advance(100)
        assert (await one.post(URL, json=payment("g-9"))).status_code == 200
    assert "g-3" not in {seen.tx_id for seen in door.scorer.seen}


async def test_bulk_is_taken_in_debt_and_the_debt_is_paid(door: FrontDoor) -> None:
    async with door.client(await door.key(rate_per_s=100, burst=1)) as client:
        first = await client.post("/v1/transactions", content=lines(1_000), headers=NDJSON)
        again = await client.post("/v1/transactions", content=lines(1), headers=NDJSON)
        assert (first.status_code, again.status_code) == (202, 429)
        assert again.headers["retry-after"] == "10"
        door.clock.advance(9_999)
        assert (await client.post(URL, json=payment("t-1"))).status_code == 429
        door.clock.advance(1)
        assert (await client.post(URL, json=payment("t-1"))).status_code == 200


async def test_one_address_with_bad_keys_waits_and_a_good_key_from_there_does_not(door: FrontDoor) -> None:
    good = await door.key()
    async with door.client("bad", "10.0.0.1") as stranger, door.client(good, "10.0.0.1") as known:
        statuses = [(await stranger.get("/v1/keys")).status_code for _ in range(25)]
        assert statuses == [401] * 20 + [429] * 5
        refused = await stranger.get("/v1/keys")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await known.get("/v1/keys")).status_code == 200
    async with door.client("bad", "10.0.0.2") as other:
        assert (await other.get("/v1/keys")).status_code == 401


def test_addresses_are_forgotten_before_they_fill_memory() -> None:
    strangers = Strangers()
    for n in range(KEPT + 500):
        strangers.count(f"10.{n}")
    assert len(strangers._arrivals_us) == KEPT


async def test_more_than_it_holds_is_refused_and_those_inside_are_answered(make_door: MakeDoor) -> None:
    door = await make_door(in_flight=4)
    door.scorer.is_silent = True
    keys = [await door.key(), await door.key()]
    async with door.client(keys[0]) as one, door.client(keys[1]) as two:
        inside = [asyncio.ensure_future(one.post(URL, json=payment(f"t-{n}"))) for n in range(3)]
        await until(lambda: door.slots.taken == 3)
        greedy = await one.post(URL, json=payment("t-4"))
        inside.append(asyncio.ensure_future(two.post(URL, json=payment("t-5"))))
        await until(lambda: door.slots.taken == 4)
        late = await two.post(URL, json=payment("t-6"))
        for refused in (greedy, late):
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
            assert refused.headers["retry-after"] == "1"
        for seen in list(door.scorer.seen):
            door.scorer.decide(seen)
        assert [(await task).status_code for task in inside] == [200] * 4
        assert door.slots.taken == 0
        assert {seen.tx_id for seen in door.scorer.seen} == {"t-0", "t-1", "t-2", "t-5"}


async def test_bulk_bytes_beyond_the_bound_wait_outside(make_door: MakeDoor) -> None:
    door = await make_door(bulk_bytes=4_096, bulk_in_flight_bytes=8_192)
    door.broker.is_slow = True
    keys = [await door.key(), await door.key()]
    body = lines(15)
    assert 3_000 < len(body) < 4_096
    async with door.client(keys[0]) as one, door.client(keys[1]) as two:
        first = asyncio.ensure_future(one.post("/v1/transactions", content=body, headers=NDJSON))
        second = asyncio.ensure_future(two.post("/v1/transactions", content=body, headers=NDJSON))
        await until(lambda: len(door.broker.held) == 1)
        await asyncio.sleep(0.05)
        third = await two.post("/v1/transactions", content=body, headers=NDJSON)
        assert (third.status_code, third.json()["error"]["code"]) == (503, "overloaded")
        door.broker.recover()
        assert [(await first).status_code, (await second).status_code] == [202, 202]
    assert len(door.records("transactions")) == 30


async def test_looks_into_the_lake_leave_threads_to_the_others(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    def slow(_: str, __: str) -> None:
        may_end.wait(5)

    monkeypatch.setattr(door.lake, "decision_by_tx", slow)
    async with door.client(await door.key("read")) as client:
        asking = [asyncio.ensure_future(client.get(f"{URL}/t-{n}")) for n in range(20)]
        await until(lambda: sum(task.done() for task in asking) == 17)
        may_end.set()
        statuses = [(await task).status_code for task in asking]
    assert sorted(statuses) == [404] * 3 + [503] * 17


def test_a_holder_of_nothing_may_leave_last() -> None:
    slots = Slots(10)
    with ExitStack() as late:
        late.enter_context(slots.held("k", 0))
        with slots.held("k", 1):
            pass
    assert slots.taken == 0


async def test_a_large_body_gives_way_while_it_is_read_and_while_it_is_sent(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, most = [0], {"read": 0, "sent": 0}

    async def count_turns() -> None:
        while True:
            turn[0] += 1
            await asyncio.sleep(0)

    def counted(what: str, work: Callable[..., Any]) -> Callable[..., Any]:
        last = [0, 0]

        def one(*given: Any) -> Any:
            last[:] = [turn[0], last[1] + 1 if last[0] == turn[0] else 1]
            most[what] = max(most[what], last[1])
            return work(*given)

        return one

    monkeypatch.setattr(bodies, "read_one", counted("read", bodies.read_one))
    monkeypatch.setattr(taking, "encode", counted("sent", encode))
    async with door.client(await door.key()) as client:
        counting = asyncio.ensure_future(count_turns())
        response = await client.post("/v1/transactions", content=lines(500), headers=NDJSON)
        counting.cancel()
    assert response.json()["accepted"] == 500
    assert most == {"read": taking.YIELD_EVERY, "sent": taking.YIELD_EVERY}


async def test_kafka_slow_then_back(make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_room, "SLOW_S", 0.1)
    door = await make_door()
    door.broker.is_slow = door.scorer.is_silent = True  # what is not replicated is not read either
    async with door.client(await door.key()) as client:
        stuck = await client.post(f"{URL}?deadline_ms=150", json=payment("stuck"))
        assert (stuck.status_code, stuck.json()["error"]["code"]) == (503, "kafka_away")
        assert stuck.headers["retry-after"] == "1"
        refused = [await client.post(URL, json=payment(f"t-{n}")) for n in range(200)]
        bulk = await client.post("/v1/transactions", content=lines(5), headers=NDJSON)
        assert {response.status_code for response in [*refused, bulk]} == {503}
        assert all(response.headers["retry-after"] for response in [*refused, bulk])
        assert sum(map(len, door.publisher._waiting.values())) == 0
        assert len(door.once.held) == 1, "what was refused claimed nothing"
        door.broker.recover()
        door.scorer.is_silent = False
        await until(lambda: not door.publisher.is_away)
        again = await client.post(URL, json=payment("stuck"))
        assert again.status_code == 200
    assert {seen.tx_id for seen in door.scorer.seen} == {"stuck"}, "nothing goes out after its caller gave up"


async def test_bulk_does_not_wait_for_ever_on_a_broker_that_confirms_nothing(
    make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_room, "SLOW_S", 0.1)
    door = await make_door()
    door.broker.is_slow = True
    async with door.client(await door.key()) as client:
        async with asyncio.timeout(5):
            first = asyncio.ensure_future(client.post("/v1/transactions", content=lines(50), headers=NDJSON))
            await until(lambda: door.broker.held)
            door.broker.fail_held()
            response = await first
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_no_release_no_feed_no_redis_each_says_so(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        door.policies._interim = None
        assert await _code(client.post(URL, json=payment("t-1"))) == (503, "no_release")
        door.policies._interim = "approve"
        door.feed.is_ready = False
        assert await _code(client.post(URL, json=payment("t-1"))) == (503, "kafka_away")
        door.feed.is_ready = True
        door.once.is_away = True
        assert await _code(client.post(URL, json=payment("t-1"))) == (503, "redis_away")
        assert await _code(client.get(f"{URL}/t-1")) == (503, "redis_away")
        assert await _code(client.post("/v1/activities", json={})) == (503, "redis_away")
        door.once.is_away = False
        first = await client.post(URL, json=payment("t-1"))
        assert first.status_code == 200
        door.feed.is_ready = False
        door.policies._interim = None
        # What was answered stands, whatever is away now; what was not, or is another body, is told as ever.
        again = await client.post(URL, json=payment("t-1"))
        assert (again.status_code, again.content) == (200, first.content)
        other = await client.post(URL, json=payment("t-1", amount_minor=1))
        assert (other.status_code, other.json()["error"]["code"]) == (409, "tx_conflict")
        assert await _code(client.post(URL, json=payment("t-2"))) == (503, "kafka_away")
    assert door.once.held.keys() == {"t-1"}
    assert len(door.scorer.seen) == 1


@pytest.mark.parametrize("tx_id", ["a/b", "/", "a//b/", "a%2Fb", "?x=1", "#"])
async def test_a_payment_of_any_id_can_be_looked_up(door: FrontDoor, tx_id: str) -> None:
    async with door.client(await door.key()) as client:
        assert (await client.post(URL, json=payment(tx_id))).status_code == 200
        found = await client.get(f"{URL}/{quote(tx_id, safe='')}")
    assert (found.status_code, found.json()["answer"]["tx_id"]) == (200, tx_id)


@pytest.mark.parametrize("tx_id", ["\n0", "a\r\nb", "a\n"])
async def test_an_id_that_no_payment_can_have_is_unknown_like_any_other(door: FrontDoor, tx_id: str) -> None:
    async with door.client(await door.key()) as client:
        found = await client.get(f"{URL}/{quote(tx_id, safe='')}")
    assert (found.status_code, found.json()["error"]["code"]) == (404, "decision_unknown")


async def test_a_defect_tells_an_id_and_the_log_no_payload(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("payload-of-t-1")

    monkeypatch.setattr(door.desk, "decide", broken)
    with structlog.testing.capture_logs() as logged:
        async with door.client(await door.key()) as client:
            response = await client.post(URL, json=payment("t-1"))
    assert response.status_code == 500
    assert response.json() == {
        "error": {
            "code": "bug",
            "field": "",
            "message": response.json()["error"]["message"],
            "request_id": response.headers["x-request-id"],
        }
    }
    assert "payload" not in response.text
    assert "Traceback" not in response.text
    [line] = [line for line in logged if line["event"] == "bug"]
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["detail"].startswith("test_bad_times.py:")
    assert "payload" not in repr(logged)
    assert door.slots.taken == 0


async def test_ids_and_trace_of_a_request_go_beside_its_records(door: FrontDoor) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    brought = {"x-request-id": "order-2071", "traceparent": parent}
    async with door.client(await door.key()) as client:
        response = await client.post(URL, json=payment("t-1"), headers=brought)
        made = await client.post("/v1/activities", json={"activity_id": "a", "account_id": "b",
                                 "event_time_ms": 1_790_000_000_000, "kind": "login"})  # fmt: skip
    assert response.headers["x-request-id"] == "order-2071"
    [beside] = door.headers("transactions")
    assert sorted(beside.values()) == sorted([b"order-2071", parent.encode()])
    [other] = door.headers("activities")
    assert made.headers["x-request-id"].encode() in other.values()


async def _code(call: Any) -> tuple[int, str]:
    response = await call
    assert response.headers["retry-after"]
    return response.status_code, response.json()["error"]["code"]
