"""What a sender may put on the wire: sizes, shapes, speed, connections (S13, F17). Real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.front_door import FrontDoor, payment

from .conftest import MakeDoor

MEGABYTE = 1 << 20
NDJSON = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json"}


@asynccontextmanager
async def connected(door: FrontDoor) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader, seconds: float = 5.0) -> tuple[int, str, bytes]:
    """Status, reason code, and whatever stood before the connection was closed."""
    async with asyncio.timeout(seconds):
        raw = await reader.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), raw
    return int(head.split()[1]), str(json.loads(body)["error"]["code"]), raw


def head(key: str, path: str = "/v1/transactions", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/transactions", "/v1/keys"])
async def test_ten_megabytes_are_refused_when_their_length_is_told(door: FrontDoor, path: str) -> None:
    """Nothing of the body is sent, so an answer proves that nothing of it was needed."""
    async with connected(door) as (reader, writer):
        length = str(10 * MEGABYTE)
        writer.write(head(await door.key(), path, content_type="application/json", content_length=length))
        assert (await answer(reader))[:2] == (413, "oversize")


@pytest.mark.parametrize(("path", "bound"), [("/v1/decisions", 262_144), ("/v1/transactions", 8 * MEGABYTE)])
async def test_a_body_of_untold_length_is_refused_at_the_bound(
    door: FrontDoor, path: str, bound: int
) -> None:
    async with connected(door) as (reader, writer):
        told = {"content_type": "application/json", "transfer_encoding": "chunked"}
        writer.write(head(await door.key(), path, **told))
        sent = 0
        reading = asyncio.ensure_future(answer(reader, 20))
        while not reading.done() and sent < 10 * bound:
            writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            sent += 65_536
            await asyncio.wait([reading], timeout=0.001)
        assert (await reading)[:2] == (413, "oversize")
    assert sent < 2 * bound + 4 * MEGABYTE


async def test_ten_megabytes_at_once_get_an_answer(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        for path in ("/v1/decisions", "/v1/transactions"):
            response = await client.post(path, content=b" " * (10 * MEGABYTE), headers=JSON)
            assert (response.status_code, response.json()["error"]["code"]) == (413, "oversize")


@pytest.mark.parametrize("item", [b"1", b"{}", b'""', b"[]"])
async def test_a_million_items_are_refused_by_their_number(door: FrontDoor, item: bytes) -> None:
    body = b"[" + b",".join([item] * 1_000_000) + b"]"
    async with door.client(await door.key()) as client:
        array = await client.post("/v1/transactions", content=body, headers=JSON)
        lines = await client.post("/v1/transactions", content=(item + b"\n") * 1_000_000, headers=NDJSON)
    for response in (array, lines):
        assert (response.status_code, response.json()["error"]["code"]) == (413, "too_many_items")
    assert not door.once.arrivals_us


async def test_only_as_many_items_as_may_be(make_door: MakeDoor) -> None:
    door = await make_door(bulk_items=3)
    async with door.client(await door.key()) as client:
        for count, status in ((3, 202), (4, 413)):
            bodies = [payment(f"t-{n}") for n in range(count)]
            lines = "\n".join(map(json.dumps, bodies))
            assert (await client.post("/v1/transactions", json=bodies)).status_code == status
            response = await client.post("/v1/transactions", content=lines, headers=NDJSON)
            assert response.status_code == status


@pytest.mark.parametrize("depth", [66, 100_000])
@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/transactions", "/v1/labels", "/v1/keys"])
async def test_deep_nesting_is_refused(door: FrontDoor, path: str, depth: int) -> None:
    shapes = [b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth]
    if depth > 1_000:  # a short one that is never closed is no JSON first of all
        shapes.append(b"[" * depth)
    async with door.client(await door.key()) as client:
        for body in shapes:
            if path == "/v1/keys" and len(body) > 4_096:
                continue
            response = await client.post(path, content=body, headers=JSON)
            found = response.json()
            code = found["error"]["code"] if "error" in found else found["refused"][0]["code"]
            assert code in ("too_deep", "oversize"), response.text
            assert response.status_code in (400, 413, 422)


async def test_trickled_headers_end_within_the_limit(make_door: MakeDoor) -> None:
    door = await make_door(request_timeout_s=0.4)
    async with connected(door) as (reader, writer):
        reading = asyncio.ensure_future(answer(reader))
        writer.write(b"POST /v1/decisions HTTP/1.1\r\n")
        for n in range(60):
            if reading.done():
                break
            writer.write(b"x-%d: y\r\n" % n)
            await asyncio.sleep(0.02)
        assert (await reading)[:2] == (408, "request_timeout")


async def test_a_connection_that_says_nothing_is_closed(make_door: MakeDoor) -> None:
    door = await make_door(request_timeout_s=0.2)
    async with connected(door) as (reader, _):
        # It has asked nothing: an answer would be taken for that of its first request.
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/transactions"])
async def test_a_trickled_body_ends_within_the_limit_and_frees_its_place(
    make_door: MakeDoor, path: str
) -> None:
    door = await make_door(request_timeout_s=0.4, bulk_in_flight_bytes=1 << 20, bulk_bytes=1 << 20)
    key = await door.key()
    async with connected(door) as (reader, writer):
        reading = asyncio.ensure_future(answer(reader))
        writer.write(head(key, path, content_type="application/json", content_length="200000"))
        for _ in range(60):
            if reading.done():
                break
            writer.write(b" ")
            await asyncio.sleep(0.02)
        assert (await reading)[:2] == (408, "request_timeout")
    async with door.client(key) as client:
        body = json.dumps([payment(f"t-{n}") for n in range(2_000)])
        assert len(body) > 400_000
        response = await client.post("/v1/transactions", content=body, headers=JSON)
        assert response.status_code == 202, "the trickler's bytes are given back"


async def test_a_slow_answer_is_not_the_senders_fault(make_door: MakeDoor) -> None:
    door = await make_door(request_timeout_s=0.2)
    door.scorer.is_silent = True
    async with door.client(await door.key()) as client:
        response = await client.post("/v1/decisions?deadline_ms=600", json=payment("t-1"))
    assert response.status_code == 202


@pytest.mark.parametrize("is_split", [False, True], ids=["at once", "in pieces"])
@pytest.mark.parametrize("size", [17_000, 40_000, 200_000])
async def test_headers_above_sixteen_kilobytes_are_refused(
    door: FrontDoor, size: int, is_split: bool
) -> None:
    raw = head(await door.key(), content_type="application/json", x_much="y" * size, content_length="0")
    async with connected(door) as (reader, writer):
        for piece in (raw[:9_000], raw[9_000:]) if is_split else (raw,):
            writer.write(piece)
            await asyncio.sleep(0.02)
        assert (await answer(reader))[:2] == (431, "header_length")
    assert not door.counts.answers


async def test_an_address_above_sixteen_kilobytes_is_refused(door: FrontDoor) -> None:
    async with connected(door) as (reader, writer):
        writer.write(head(await door.key(), "/v1/decisions/" + "x" * 20_000, connection="close"))
        assert (await answer(reader))[:2] == (431, "header_length")


async def test_the_second_request_of_a_connection_has_the_same_bound(door: FrontDoor) -> None:
    key = await door.key()
    small = head(key, "/v1/nothing", content_length="0")
    large = head(key, "/v1/nothing", content_length="0", x_much="y" * 17_000)
    async with connected(door) as (reader, writer):
        writer.write(small)
        assert b"not_found" in await reader.readuntil(b"}}")
        writer.write(large)
        assert (await answer(reader))[:2] == (431, "header_length")


async def test_what_follows_a_head_that_is_too_long_is_not_done(door: FrontDoor) -> None:
    key, other = await door.key("keys"), (await door.key("read")).split("_")[1]
    large = head(key, "/v1/nothing", content_length="0", x_much="y" * 17_000)
    ending = head(key, f"/v1/keys/{other}").replace(b"POST", b"DELETE", 1)
    async with connected(door) as (reader, writer):
        writer.write(large + ending)
        assert (await answer(reader))[:2] == (431, "header_length")
    await asyncio.sleep(0.1)
    assert not door.audit.entries


async def test_large_bodies_are_no_headers(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        for _ in range(2):
            body = json.dumps([payment(f"t-{n}") for n in range(500)])
            assert (await client.post("/v1/transactions", content=body, headers=JSON)).status_code == 202


async def test_connections_beyond_the_bound_are_told_and_closed(make_door: MakeDoor) -> None:
    door = await make_door(connections=3)
    held = [await asyncio.open_connection("127.0.0.1", door.server.port) for _ in range(3)]
    await asyncio.sleep(0.05)
    async with connected(door) as (reader, _):
        status, code, raw = await answer(reader)
        assert (status, code) == (503, "overloaded")
        assert b"retry-after: 1\r\n" in raw
    for _, writer in held:
        writer.close()
    await asyncio.sleep(0.05)
    async with door.client(await door.key()) as client:
        assert (await client.get("/v1/keys")).status_code == 200


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
            b"POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
            b"POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            b"POST /v1/keys HTTP/1.1\r\nhost: x\r\na: b\x00c\r\n\r\n"],
    ids=["TLS", "words", "HTTP/9.9", "length of letters", "two lengths", "NUL"],
)  # fmt: skip
async def test_bytes_that_are_no_request_are_refused(door: FrontDoor, raw: bytes) -> None:
    async with connected(door) as (reader, writer):
        writer.write(raw)
        assert (await answer(reader))[:2] == (400, "not_http")


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "text/plain"}, {"content-type": "application/jsonp"},
     {**JSON, "content-encoding": "gzip"}, {**JSON, "content-encoding": "br"}],
    ids=str,
)  # fmt: skip
async def test_bodies_of_another_kind_are_refused_unread(door: FrontDoor, headers: dict[str, str]) -> None:
    async with door.client(await door.key()) as client:
        for path in ("/v1/decisions", "/v1/transactions", "/v1/activities", "/v1/labels", "/v1/keys"):
            response = await client.post(path, content=b"{}", headers=headers)
            assert (response.status_code, response.json()["error"]["code"]) == (415, "media_type")


async def test_a_media_type_may_say_its_charset(door: FrontDoor) -> None:
    async with door.client(await door.key()) as client:
        for name in ("application/json; charset=utf-8", "Application/JSON"):
            response = await client.post(
                "/v1/decisions", content=json.dumps(payment("t-1")), headers={"content-type": name}
            )
            assert response.status_code == 200


async def test_a_slow_sender_holds_nobody_up(make_door: MakeDoor) -> None:
    door = await make_door(connections=300, request_timeout_s=5.0)
    key = await door.key()
    slow = [await asyncio.open_connection("127.0.0.1", door.server.port) for _ in range(200)]
    for _, writer in slow:
        writer.write(head(key, "/v1/decisions", content_type="application/json", content_length="500"))
    await asyncio.sleep(0.05)
    async with door.client(await door.key()) as client:
        assert (await client.post("/v1/decisions", json=payment("t-1"))).status_code == 200
    assert door.slots.taken == 0, "a place is taken when the body is there"
    for _, writer in slow:
        writer.close()
