"""A payment is answered once: repeats, races, other bodies, deadlines, gateways that die."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.core import answers as given
from services.gateway.edge import outbox as outbox_room
from shared.contracts.codec import encode
from shared.contracts.payments import Transaction
from tests.support.front_door import FrontDoor, decided, payment, until

from .conftest import MakeDoor

URL = "/v1/decisions"


async def test_a_payment_is_decided_in_its_own_request(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        response = await client.post(URL, json=payment("t-1"))
    assert response.status_code == 200
    told = response.json()
    assert (told["tx_id"], told["kind"], told["action"], told["score"]) == ("t-1", "final", "approve", 0.25)
    [record] = door.scorer.seen
    assert (record.caller, record.gateway, record.amount_minor) == ("checkout", "http", 4250)


async def test_the_same_twice_is_one_answer_byte_for_byte_and_one_record(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        first = await client.post(URL, json=payment("t-1"))
        door.clock.advance(60_000)
        door.scorer.action = "decline"
        again = await client.post(URL, json=dict(reversed(payment("t-1").items())))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(door.scorer.seen) == 1


async def test_another_body_under_an_id_is_refused_and_goes_nowhere(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        await client.post(URL, json=payment("t-1"))
        other = await client.post(URL, json=payment("t-1", amount_minor=9_999))
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "tx_conflict"
    assert len(door.scorer.seen) == 1


async def test_the_same_body_of_another_caller_is_another_payment(door: FrontDoor) -> None:
    async with door.client(await door.key()) as one, door.client(await door.key(caller="shop-2")) as two:
        assert (await one.post(URL, json=payment("t-1"))).status_code == 200
        assert (await two.post(URL, json=payment("t-1"))).status_code == 409


async def test_many_at_once_get_one_answer_through_two_gateways(door: FrontDoor, make_door: MakeDoor) -> None:
    other = await make_door(name="gateway-2", beside=door)
    key = await door.key()
    other.book._keys = door.book._keys
    async with door.client(key) as one, other.client(key) as two:
        clients = [one, two] * 20
        responses = await asyncio.gather(*(client.post(URL, json=payment("t-1")) for client in clients))
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1
    await until(lambda: door.answers())
    assert len(door.answers()["t-1"]) == 1


async def test_at_the_deadline_the_interim_action_stands_and_the_decision_is_found_later(
    door: FrontDoor,
) -> None:
    door.scorer.is_silent = True
    async with door.client(await door.key()) as client:
        first = await client.post(f"{URL}?deadline_ms=40", json=payment("t-1"))
        assert first.status_code == 202
        assert first.json() == {
            "tx_id": "t-1",
            "kind": "interim",
            "action": "review",
            "answered_at_ms": door.clock.now_ms(),
        }
        looked = await client.get(f"{URL}/t-1")
        assert (looked.status_code, looked.json()) == (200, {"answer": first.json(), "decision": None})
        door.scorer.decide(door.scorer.seen[0])
        late = (await client.get(f"{URL}/t-1")).json()
        assert late["answer"] == first.json()
        assert late["decision"]["action"] == "approve"
        again = await client.post(URL, json=payment("t-1"))
    assert (again.status_code, again.content) == (202, first.content)
    assert len(door.scorer.seen) == 1


async def test_a_decision_in_hand_is_told_though_kafka_has_not_confirmed_the_payment(door: FrontDoor) -> None:
    door.broker.is_slow = True
    async with door.client(await door.key()) as client:
        told = await client.post(f"{URL}?deadline_ms=100", json=payment("t-1"))
    assert (told.status_code, told.json()["kind"]) == (200, "final")


async def test_a_claim_without_an_answer_is_produced_again_and_answered(door: FrontDoor) -> None:
    """What a killed gateway leaves: a claim, perhaps a record, no answer."""
    door.scorer.is_silent = True
    async with door.client(await door.key()) as client:
        dying = asyncio.ensure_future(client.post(f"{URL}?deadline_ms=10000", json=payment("t-1")))
        await until(lambda: door.scorer.seen)
        looked = await client.get(f"{URL}/t-1")
        assert (looked.status_code, looked.json()) == (202, {"answer": None, "decision": None})
        door.scorer.is_silent = False
        retry = await client.post(URL, json=payment("t-1"))
        first = await dying
    assert (retry.status_code, first.content) == (200, retry.content)
    assert len(set(map(repr, door.scorer.seen))) == 1, "two gateways must produce equal records"
    assert len(door.records("transactions")) == 2


async def test_the_decision_on_another_body_of_the_same_id_answers_nobody(door: FrontDoor) -> None:
    door.scorer.is_silent = True
    async with door.client(await door.key()) as client:
        await client.post("/v1/transactions", json=payment("t-1", amount_minor=1))
        asked = asyncio.ensure_future(client.post(URL, json=payment("t-1", amount_minor=1_000_000)))
        await until(lambda: len(door.scorer.seen) == 2)
        small, large = door.scorer.seen
        door.scorer.decide(small)
        await asyncio.sleep(0.02)
        assert not asked.done(), "a large payment was answered by the decision on a small one"
        door.scorer.action = "decline"
        door.scorer.decide(large)
        told = await asked
    assert (told.status_code, told.json()["action"]) == (200, "decline")


async def test_an_unknown_payment_is_not_found(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        response = await client.get(f"{URL}/nobody")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "decision_unknown")


async def test_a_decision_that_did_not_come_over_http_is_found_in_the_lake(door: FrontDoor) -> None:
    told = decided(Transaction(v=1, tx_id="t-9", account_id="a", event_time_ms=1_790_000_000_000,
                               amount_minor=1, currency="EUR"))  # fmt: skip
    door.lake.decisions["t-9"] = {name: getattr(told, name) for name in told.__struct_fields__}
    async with door.client(await door.key()) as client:
        response = await client.get(f"{URL}/t-9")
    assert response.status_code == 200
    assert response.json()["answer"] is None
    assert response.json()["decision"]["decision_id"] == told.decision_id


async def test_a_key_without_details_sees_what_is_done_and_no_more(door: FrontDoor) -> None:
    door.scorer.is_silent = True
    async with door.client(await door.key(details=False)) as client:
        await client.post(f"{URL}?deadline_ms=20", json=payment("late"))
        door.scorer.decide(door.scorer.seen[0])
        door.scorer.is_silent = False
        told = (await client.post(URL, json=payment("t-1"))).json()
        again = (await client.post(URL, json=payment("t-1"))).json()
        looked = (await client.get(f"{URL}/t-1")).json()
        late = (await client.get(f"{URL}/late")).json()
    assert set(told) == {"tx_id", "kind", "action", "answered_at_ms", "decision_id"}
    assert told == again == looked["answer"]
    assert not {"score", "reasons", "flags", "threshold"} & set(late["decision"])


@pytest.mark.parametrize("deadline", ["4", "10001", "x", "-5", "1e3", "", "٥٠", "5" * 5000])
async def test_a_deadline_is_a_whole_number_within_bounds(door: FrontDoor, deadline: str) -> None:
    async with door.client(await door.key()) as client:
        response = await client.post(URL, params={"deadline_ms": deadline}, json=payment("t-1"))
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["field"]) == (422, "query_value", "deadline_ms")


async def test_each_answer_goes_to_its_topic_once(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        told = {f"t-{n}": await client.post(URL, json=payment(f"t-{n}")) for n in range(30)}
        for tx_id in told:
            await client.post(URL, json=payment(tx_id))
        await until(lambda: not door.once.waiting)
    assert {tx_id: len(found) for tx_id, found in door.answers().items()} == dict.fromkeys(told, 1)
    for tx_id, [record] in door.answers().items():
        body = told[tx_id].json()
        assert (record.kind, record.action, record.decision_id) == ("final", "approve", body["decision_id"])
        assert record.request_id == told[tx_id].headers["x-request-id"]
        assert (record.gateway, record.answered_at_ms) == ("gateway-1", body["answered_at_ms"])


async def test_what_a_killed_gateway_left_in_the_outbox_another_one_sends(
    make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_room, "SWEEP_S", 0.03)
    door = await make_door()
    left = given.interim("t-left", "review", door.clock.now_ms())
    record = given.record(left, "acc-1", b"h" * 16, "gateway-9", "r-1")
    await door.once.answer("t-left", b"h" * 16, given.written(left), encode(record))
    await asyncio.sleep(0.1)
    assert not door.answers(), "an answer of a moment ago is its own gateway's to send"
    door.clock.advance(outbox_room.LEFT_BEHIND_MS + 1)
    await until(lambda: not door.once.waiting)
    assert door.answers() == {"t-left": [record]}


async def test_a_record_that_nobody_here_can_read_stays_and_holds_no_other_up(
    make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_room, "SWEEP_S", 0.03)
    door = await make_door()
    left = given.interim("t-2", "review", door.clock.now_ms() - outbox_room.LEFT_BEHIND_MS - 1)
    record = encode(given.record(left, "acc-1", b"h" * 16, "gateway-9", "r-1"))
    door.once.waiting |= {"t-1": b'{"v":2}', "t-2": record}
    await until(lambda: list(door.once.waiting) == ["t-1"])
    await asyncio.sleep(0.1)
    assert not door.outbox.crashed
    assert list(door.answers()) == ["t-2"]


async def test_answers_that_kafka_did_not_take_are_sent_when_it_is_back(
    make_door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_room, "SWEEP_S", 0.03)
    door = await make_door()
    async with door.client(await door.key()) as client:
        await client.post(URL, json=payment("t-1"))
        door.broker.is_away = True
        await asyncio.sleep(0.1)
        assert list(door.once.waiting) == ["t-1"]
        door.broker.recover()
        door.clock.advance(outbox_room.LEFT_BEHIND_MS + 1)
        await until(lambda: not door.once.waiting)
    assert len(door.answers()["t-1"]) == 1
