"""A payment's id in the header Idempotency-Key: it passes no codec, so its bounds are looked at apart."""

from __future__ import annotations

import pytest

from tests.support.front_door import FrontDoor, payment

URL = "/v1/decisions"


async def test_the_id_may_come_as_a_header(door: FrontDoor) -> None:
    body = payment("t-1")
    del body["tx_id"]
    async with door.client(await door.key()) as client:
        first = await client.post(URL, json=body, headers={"idempotency-key": "t-1"})
        again = await client.post(URL, json=payment("t-1"))
        other = await client.post(URL, json=payment("t-2"), headers={"idempotency-key": "t-1"})
        none = await client.post(URL, json=body)
    assert first.content == again.content
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key")
    assert (none.status_code, none.json()["error"]["field"]) == (422, "tx_id")


@pytest.mark.parametrize("name", ["", "x" * 65, "a\tb", "e\u0301"])
async def test_an_id_from_a_header_keeps_the_bounds_of_an_id(door: FrontDoor, name: str) -> None:
    body = payment("t-1")
    del body["tx_id"]
    async with door.client(await door.key()) as client:
        response = await client.post(URL, json=body, headers={b"idempotency-key": name.encode()})
    assert response.status_code == 422, response.text
    assert response.json()["error"]["field"] == "tx_id"
    assert not door.scorer.seen


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("4111111111111111", "id_numeric"),
        ("1234567890123", "id_numeric"),
        ("p-4111 1111 1111 1111", "card_number"),
    ],
)
async def test_a_card_number_is_no_id(door: FrontDoor, name: str, code: str) -> None:
    body = payment("t-1")
    del body["tx_id"]
    async with door.client(await door.key()) as client:
        response = await client.post(URL, json=body, headers={"idempotency-key": name})
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)
    assert name not in response.text
    assert not door.once.held
