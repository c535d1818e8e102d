"""Who may do what: every route with every kind of key, generated from the table of routes (S06, S07, S10)."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Final

import msgspec
import pytest
from fastapi.routing import APIRoute

from services.gateway.core.keys import ACTIONS, ApiKey
from services.gateway.core.operations import OPERATIONS
from services.gateway.edge.app import make_api
from tests.support.front_door import FrontDoor, payment, until

from .conftest import MakeDoor

CALLS: Final = [
    ("POST", "/v1/decisions", "decide"),
    ("GET", "/v1/decisions/{tx_id}", "read"),
    ("POST", "/v1/transactions", "ingest"),
    ("POST", "/v1/activities", "ingest"),
    ("POST", "/v1/labels", "label"),
    ("GET", "/v1/keys", "keys"),
    ("POST", "/v1/keys", "keys"),
    ("DELETE", "/v1/keys/{key_id}", "keys"),
    ("GET", "/v1/openapi.json", "any"),
]
"""Written out on purpose: a call whose right is changed by mistake differs from this list."""

BAD_KEYS: Final = {
    "none": (401, "key_missing"),
    "of another form": (401, "key_missing"),
    "unknown": (401, "key_unknown"),
    "wrong secret": (401, "key_unknown"),
    "expired": (401, "key_expired"),
    "revoked": (401, "key_expired"),
    "other portfolio": (403, "key_portfolio"),
    "every other action": (403, "key_action"),
}


def filled(path: str) -> str:
    return re.sub(r"\{.*?\}", "a" * 12, path)


async def bad_key(door: FrontDoor, kind: str, action: str) -> str:
    """A key, as its owner keeps it, that does not open a call which needs ``action``."""
    good = await door.key()
    match kind:
        case "none":
            return ""
        case "of another form":
            return good.removeprefix("assay_")
        case "unknown":
            return f"assay_{'0' * 12}_{'0' * 64}"
        case "wrong secret":
            return good[:-1] + ("0" if good[-1] != "0" else "1")
        case "expired":
            key = await door.key(days=1)
            door.clock.advance(86_400_000)
            return key
        case "revoked":
            await door.book.revoke(good.split("_")[1], door.clock.now_ms())
            return good
        case "other portfolio":
            return await door.key(portfolio="shop")
    return await door.key(*(other for other in ACTIONS if other != action))


def test_the_routes_the_description_and_this_list_name_the_same_calls(door: FrontDoor) -> None:
    app = make_api(door._door(), door.routes)
    served = {
        (method, route.path.replace(":id", ""))  # how an id is matched, not what is called
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    rights = {(route.method, route.path, route.action) for route in door.routes}
    assert served == {(method, path) for method, path, _ in CALLS}
    assert rights == {call for call in CALLS if call[2] != "any"}
    assert {(row.method, row.path, row.action) for row in OPERATIONS} == set(CALLS)


@pytest.mark.parametrize("kind", BAD_KEYS)
@pytest.mark.parametrize(("method", "path", "action"), CALLS)
async def test_no_call_is_open_to_a_key_that_is_not_good_for_it(
    door: FrontDoor, method: str, path: str, action: str, kind: str
) -> None:
    if action == "any" and kind == "every other action":
        action = "decide"  # any key may read the description, so one that lacks something
        key = await bad_key(door, kind, action)
        async with door.client(key, "10.0.0.1") as client:
            assert (await client.request(method, filled(path))).status_code == 200
        return
    async with door.client(await bad_key(door, kind, action), "10.0.0.1") as client:
        response = await client.request(method, filled(path), json={"anything": 1})
    status, code = BAD_KEYS[kind]
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert not door.broker.log.partitions
    assert not door.once.held
    assert not door.audit.entries


@pytest.mark.parametrize(("method", "path", "action"), CALLS)
async def test_a_key_with_that_one_right_passes(door: FrontDoor, method: str, path: str, action: str) -> None:
    key = await door.key("read" if action == "any" else action)
    async with door.client(key, "10.0.0.1") as client:
        response = await client.request(method, filled(path), json={"anything": 1})
    assert response.status_code not in (401, 403, 500), response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/v1"), ("GET", "/docs"), ("GET", "/openapi.json"), ("POST", "/v1/decisions/"),
     ("GET", "/v1/decisions"), ("PUT", "/v1/decisions"), ("HEAD", "/v1/keys"), ("OPTIONS", "/v1/keys"),
     ("TRACE", "/v1/decisions"), ("GET", "/v1/../metrics"), ("GET", "//v1/keys")],
)  # fmt: skip
async def test_what_is_no_call_is_refused_like_anything_else(door: FrontDoor, method: str, path: str) -> None:
    async with door.client(address="10.0.0.1") as client:
        response = await client.request(method, f"http://front-door{path}")
    assert response.status_code in (404, 405)
    assert response.headers["x-request-id"]
    if response.status_code == 405:
        assert response.headers["allow"]
    if method != "HEAD":
        error = response.json()["error"]
        assert error["code"] == ("not_found" if response.status_code == 404 else "method_not_allowed")
        assert error["request_id"] == response.headers["x-request-id"]


async def test_a_new_key_is_told_once_and_good_at_once(door: FrontDoor) -> None:
    async with door.client(await door.key("keys")) as client:
        made = await client.post("/v1/keys", json={"name": "shop", "actions": ["decide"], "rate_per_s": 5})
        listed = await client.get("/v1/keys")
    assert made.status_code == 201
    secret = made.json()["key"]
    assert secret.rsplit("_", 1)[1] not in listed.text
    assert "secret_hash" not in listed.text
    async with door.client(secret) as client:
        assert (await client.post("/v1/decisions", json=payment("t-1"))).status_code == 200
    assert door.scorer.seen[0].caller == "shop"
    assert [entry[1::2] for entry in door.audit.entries] == [("key_add", "intended"), ("key_add", "done")]


async def test_a_name_that_no_key_may_have_is_refused_for_its_letters(door: FrontDoor) -> None:
    async with door.client(await door.key("keys")) as client:
        refused = await client.post("/v1/keys", json={"name": "the shop", "actions": ["decide"]})
    assert (refused.json()["error"]["code"], refused.json()["error"]["field"]) == ("field_charset", "name")


async def test_a_key_that_was_ended_is_bad_at_once_and_stays_listed(door: FrontDoor) -> None:
    key = await door.key("read")
    key_id = key.split("_")[1]
    async with door.client(await door.key("keys")) as client:
        assert (await client.delete(f"/v1/keys/{key_id}")).status_code == 204
        listed = {row["key_id"]: row for row in (await client.get("/v1/keys")).json()["keys"]}
        absent = await client.delete("/v1/keys/0123456789ab")
    assert listed[key_id]["revoked_at_ms"] == door.clock.now_ms()
    assert (absent.status_code, absent.json()["error"]["code"]) == (404, "key_absent")
    async with door.client(key) as client:
        assert (await client.get("/v1/decisions/t-1")).status_code == 401


async def test_a_look_that_began_before_a_key_ended_does_not_bring_it_back(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = (await door.key("read")).split("_")[1]
    read, begun, may_end = door.book._read, threading.Event(), threading.Event()

    def slow() -> dict[str, ApiKey]:
        found = read()
        if not begun.is_set():
            begun.set()
            may_end.wait(5)
        return found

    monkeypatch.setattr(door.book, "_read", slow)
    await until(begun.is_set)
    ending = asyncio.ensure_future(door.book.revoke(key_id, 7))
    await asyncio.sleep(0.05)
    may_end.set()
    await ending
    await asyncio.sleep(0.05)
    ended = door.book.get(key_id)
    assert ended is not None
    assert ended.revoked_at_ms == 7


async def test_keys_of_another_portfolio_in_the_same_database_are_neither_seen_nor_ended(
    door: FrontDoor,
) -> None:
    foreign = (await door.key(portfolio="shop")).split("_")[1]
    async with door.client(await door.key("keys")) as client:
        listed = await client.get("/v1/keys")
        ended = await client.delete(f"/v1/keys/{foreign}")
    assert foreign not in listed.text
    assert ended.status_code == 404
    assert door.book._keys[foreign].revoked_at_ms is None


@pytest.mark.parametrize(
    "change",
    [{"role": "admin"}, {"portfolio": "shop"}, {"key_id": "0" * 12}, {"actions": ["root"]}, {"actions": []},
     {"name": "a b"}, {"name": ""}, {"name": "x" * 65}, {"rate_per_s": 0}, {"rate_per_s": -1},
     {"rate_per_s": 1e7}, {"burst": 0}, {"burst": 1.5}, {"days": 0}, {"days": 1e9}, {"details": "yes"}],
    ids=str,
)  # fmt: skip
async def test_a_key_that_may_not_be_is_not_made(door: FrontDoor, change: dict[str, object]) -> None:
    body = {"name": "shop", "actions": ["read"], **change}
    async with door.client(await door.key("keys")) as client:
        response = await client.post("/v1/keys", json=body)
    assert response.status_code == 422, response.text
    assert not door.audit.entries


async def test_keys_survive_a_restart_without_their_secrets(make_door: MakeDoor) -> None:
    first = await make_door()
    key = await first.key("read", name="shop", rate_per_s=7.5, days=2)
    second = await make_door()
    async with second.client(key) as client:
        assert (await client.get("/v1/decisions/t-1")).status_code == 404
    kept = second.book._keys[key.split("_")[1]]
    assert kept == first.book._keys[kept.key_id]
    assert key.split("_")[2] not in msgspec.json.encode(kept).decode()
