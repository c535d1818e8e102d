"""Who may ask for what: every route, by every role and by nobody; sessions, forms and waiting."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
import structlog

from services.console.core.headers import POLICY
from services.console.core.openapi import OPERATIONS
from services.console.core.people import ROLES, may
from services.console.edge.door import Route
from services.console.wiring import table
from tests.support.console_house import HOUSE_KEY, NOW_MS, PASSWORD, PEOPLE, ConsoleHouse

STRANGERS = {("GET", "/static/{name:path}"), ("GET", "/sign-in"), ("POST", "/sign-in")}


class Named:
    """Stands for pages and API: any attribute is a handler of that name."""

    def __getattr__(self, name: str) -> str:
        return name


ROUTES: list[Route] = table(Named(), Named())  # type: ignore[arg-type]  # only names are wanted
GUARDED = [route for route in ROUTES if route.needs is not None]
CHANGES = [route for route in GUARDED if route.method != "GET"]


def address(route: Route) -> str:
    for word in ("{any_id:id}", "{tx_id:id}", "{name}"):
        name = "nobody" if word == "{name}" else "tx-9f31c2ab77e0"
        route_path = route.path.replace(word, name)
        if route_path != route.path:
            return route_path
    return route.path


def test_only_the_sign_in_and_files_are_for_strangers() -> None:
    assert {(r.method, r.path) for r in ROUTES if r.needs is None} == STRANGERS


def test_the_description_names_every_call_with_its_role() -> None:
    routes = {(r.method, r.path.replace(":id", "")): r.needs for r in ROUTES if r.is_api}
    assert {(o.method, o.path): o.needs for o in OPERATIONS} == routes


@pytest.mark.parametrize("route", GUARDED, ids=lambda r: f"{r.method} {r.path}")
async def test_nobody_gets_in_unknown(house: ConsoleHouse, route: Route) -> None:
    async with house.client() as client:
        for cookie in ({}, {"cookie": f"assay={'0' * 64}"}):
            answer = await client.request(route.method, address(route), headers=cookie)
            if route.is_api:
                assert answer.status_code == 401
                assert answer.json()["error"]["code"] == "session_missing"
            else:
                assert answer.status_code == 303
                assert answer.headers["location"].startswith("/sign-in")


async def test_a_path_that_is_no_call_tells_a_stranger_nothing(house: ConsoleHouse) -> None:
    async with house.client() as client:
        for path in ("/nothing", "/api/v1/nothing", "/docs", "/openapi.json"):
            answer = await client.get(path)
            assert answer.status_code == (401 if path.startswith("/api") else 303), path


@pytest.mark.parametrize("name", PEOPLE)
async def test_each_route_asks_for_its_role(house: ConsoleHouse, name: str) -> None:
    client, csrf = await house.signed_in(name)
    role = PEOPLE[name]
    async with client:
        for route in GUARDED:
            if route.path in ("/sign-out", "/api/v1/stream"):
                continue
            answer = await client.request(route.method, address(route), headers={"x-csrf-token": csrf})
            refused = answer.status_code == 403
            assert refused is not may(role, route.needs or "admin"), (route.path, answer.status_code)  # type: ignore[arg-type]  # a role


@pytest.mark.parametrize(
    "route", [r for r in GUARDED if r.method != "GET"], ids=lambda r: f"{r.method} {r.path}"
)
async def test_a_form_of_no_session_or_another_one_is_refused(house: ConsoleHouse, route: Route) -> None:
    client, _ = await house.signed_in("ada")
    other, stolen = await house.signed_in("omar")
    async with client, other:
        for headers in ({}, {"x-csrf-token": stolen}):
            answer = await client.request(route.method, address(route), headers=headers)
            assert answer.status_code == 403
            assert "form_stale" in answer.text


async def test_a_form_from_another_site_is_refused_also_at_the_sign_in(house: ConsoleHouse) -> None:
    async with house.client() as client:
        answer = await client.post(
            "/sign-in",
            data={"name": "ada", "password": PASSWORD},
            headers={"origin": "https://elsewhere.example"},
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_a_cookie_is_kept_from_scripts_and_from_other_sites(house: ConsoleHouse) -> None:
    async with house.client() as client:
        answer = await client.post("/sign-in", data={"name": "ada", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        kept = answer.cookies["assay"]
        assert len(bytes.fromhex(kept)) * 8 == 256


async def test_signing_in_again_ends_the_session_before(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("ada")
    async with client:
        old = client.cookies["assay"]
        answer = await client.post("/sign-in", data={"name": "ada", "password": PASSWORD})
        assert answer.cookies["assay"] != old
        assert house.accounts.signed_in(old, NOW_MS) is None


async def test_a_session_ends_unused_and_in_any_case(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("vera")
    async with client:
        for _ in range(12 * 60 // 25):
            house.clock.advance(25 * 60_000)
            last = await client.get("/api/v1/health")
        assert last.status_code == 200
        house.clock.advance(25 * 60_000)
        assert (await client.get("/api/v1/health")).status_code == 401
    client, _ = await house.signed_in("vera")
    async with client:
        house.clock.advance(31 * 60_000)
        assert (await client.get("/api/v1/health")).status_code == 401


async def test_signing_out_ends_it(house: ConsoleHouse) -> None:
    client, csrf = await house.signed_in("vera")
    async with client:
        token = client.cookies["assay"]
        await client.post("/sign-out", data={"csrf": csrf})
        answer = await client.get("/api/v1/health", headers={"cookie": f"assay={token}"})
        assert answer.status_code == 401


async def test_many_wrong_passwords_make_that_user_wait(house: ConsoleHouse) -> None:
    async with house.client() as client:

        async def tried(password: str, name: str = "ada") -> httpx.Response:
            return await client.post("/sign-in", data={"name": name, "password": password})

        answers = [(await tried("wrong")).status_code for _ in range(5)]
        assert answers == [401, 401, 401, 401, 429]
        waiting = await tried(PASSWORD)
        assert waiting.status_code == 429
        assert int(waiting.headers["retry-after"]) >= 1
        assert (await tried("wrong", "nobody-at-all")).status_code == 401
        house.clock.advance(2_000)
        assert (await tried(PASSWORD)).status_code == 303


async def test_the_way_back_leads_nobody_elsewhere(house: ConsoleHouse) -> None:
    async with house.client() as client:
        for back in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nx: y"):
            answer = await client.post("/sign-in", data={"name": "ada", "password": PASSWORD, "next": back})
            assert answer.headers["location"] == "/"
            client.cookies.clear()


async def test_every_answer_tells_browsers_to_be_strict(house: ConsoleHouse) -> None:
    async with house.client() as client:
        for path in ("/sign-in", "/static/console.css", "/api/v1/health", "/nothing", "/static/nothing"):
            headers = (await client.get(path)).headers
            assert headers["content-security-policy"] == POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "unsafe" not in POLICY


async def test_the_houses_key_manages_users_and_nothing_else(house: ConsoleHouse) -> None:
    async with house.client() as client:
        client.headers["authorization"] = f"Bearer {HOUSE_KEY}"
        made = {"name": "ines", "role": "operator", "password": PASSWORD}
        assert (await client.post("/api/v1/users", json=made)).status_code == 201
        assert (await client.post("/api/v1/users", json=made)).json()["error"]["code"] == "user_exists"
        short = await client.post("/api/v1/users", json=made | {"name": "eve", "password": "short"})
        assert short.json()["error"]["code"] == "password_weak"
        extra = await client.post("/api/v1/users", json=made | {"admin": True})
        assert extra.json()["error"]["code"] == "field_unknown"
        names = [user["name"] for user in (await client.get("/api/v1/users")).json()["users"]]
        assert names == ["ada", "ines", "omar", "vera"]
        assert (await client.delete("/api/v1/users/ines")).status_code == 204
        assert (await client.delete("/api/v1/users/ada")).json()["error"]["code"] == "user_last_admin"
        assert (await client.get("/api/v1/health")).status_code == 401
        client.headers["authorization"] = f"Bearer {HOUSE_KEY}x"
        assert (await client.get("/api/v1/users")).status_code == 401
    assert ("assay", "user_add", "ines", "done") in house.audit.entries


async def test_a_new_password_ends_every_session(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("vera")
    house.accounts.set_password("vera", "another horse battery")
    async with client:
        assert (await client.get("/api/v1/health")).status_code == 401


async def test_nothing_that_is_kept_signs_anybody_in(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("ada")
    token = client.cookies["assay"]
    await client.aclose()
    with house.database.reading() as connection:
        kept = repr(connection.exec_driver_sql("SELECT * FROM console_sessions").all())
        kept += repr(connection.exec_driver_sql("SELECT * FROM console_users").all())
    assert token not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_roles_stand_above_each_other() -> None:
    assert [[may(role, needed) for needed in ROLES] for role in ROLES] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


async def test_who_leaves_in_the_middle_of_a_body_is_no_bug(house: ConsoleHouse) -> None:
    at = urlsplit(house.url)
    with structlog.testing.capture_logs() as logged:
        _, writer = await asyncio.open_connection(at.hostname, at.port)
        head = b"POST /sign-in HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nname=ada"
        writer.write(head)
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.2)
    assert [line for line in logged if line["event"] == "bug"] == []
