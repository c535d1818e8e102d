"""One suite for both adapters of the `Once` port: in memory and on a real Redis, through two clients."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.redis import RedisServer
from services.gateway.core.rates import Rate, rate, take
from services.gateway.edge import once_redis
from services.gateway.edge.once import Claim, MemoryOnce, Once, OtherBody, RedisAway
from services.gateway.edge.once_redis import RedisOnce
from shared.contracts.addresses import RedisAddress
from shared.runtime.clock import SystemClock

HASH: Final = b"0123456789abcdef"
OTHER: Final = b"fedcba9876543210"
FREE: Final = Rate(1, 10**12)
KEEP_MS: Final = 60_000


@dataclass
class Pair:
    """Two gateways' views of one store."""

    one: Once
    two: Once


@pytest_asyncio.fixture(params=["memory", "redis"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    if request.param == "memory":
        both = MemoryOnce(SystemClock())
        yield Pair(both, both)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    portfolio = f"p{uuid.uuid4().hex[:8]}"
    found = [RedisOnce(RedisAddress(server.url), portfolio, KEEP_MS) for _ in range(2)]
    yield Pair(*found)
    for each in found:
        await each.close()


async def test_a_first_claim_is_new_then_open_then_answered(pair: Pair) -> None:
    assert await pair.one.answered("t") is None
    assert await pair.one.claim("t", HASH, "k", FREE) == Claim("new")
    assert await pair.two.claim("t", HASH, "k", FREE) == Claim("open")
    assert await pair.two.answered("t") == b""
    assert await pair.two.answer("t", HASH, b'{"a":1}', b"record") is None
    assert await pair.one.claim("t", HASH, "k", FREE) == Claim("answered", b'{"a":1}')
    assert await pair.one.answered("t") == b'{"a":1}'


async def test_a_look_claims_nothing_and_takes_no_rate(pair: Pair) -> None:
    assert await pair.one.look("t", HASH) == Claim("new")
    assert await pair.one.answered("t") is None
    await pair.one.claim("t", HASH, "k", FREE)
    assert [(await pair.two.look("t", each)).state for each in (HASH, OTHER)] == ["open", "other"]
    await pair.one.answer("t", HASH, b"A", b"record")
    assert await pair.two.look("t", HASH) == Claim("answered", b"A")
    assert await pair.two.look("t", OTHER) == Claim("other")


async def test_an_answer_never_stands_for_another_body(pair: Pair) -> None:
    other = bytes(16)
    await pair.one.claim("t", HASH, "k", FREE)
    with pytest.raises(OtherBody):
        await pair.two.answer("t", other, b"B", b"record")
    assert await pair.one.answer("t", HASH, b"A", b"record") is None
    with pytest.raises(OtherBody):
        await pair.two.answer("t", other, b"B", b"record")
    assert await pair.two.answered("t") == b"A"


async def test_another_body_is_told_before_and_after_the_answer(pair: Pair) -> None:
    await pair.one.claim("t", HASH, "k", FREE)
    assert await pair.two.claim("t", OTHER, "k", FREE) == Claim("other")
    await pair.one.answer("t", HASH, b"A", b"record")
    assert await pair.two.claim("t", OTHER, "k", FREE) == Claim("other")
    assert await pair.two.claim("t", HASH, "k", FREE) == Claim("answered", b"A")


async def test_the_first_answer_stands_and_its_record_alone_waits(pair: Pair) -> None:
    assert await pair.one.answer("t", HASH, b"first", b"r1") is None
    assert await pair.two.answer("t", HASH, b"second", b"r2") == b"first"
    assert await pair.two.answer("t", HASH, b"first", b"r3") == b"first", "the same is not mine either"
    assert dict(await pair.one.outbox()) == {"t": b"r1"}


async def test_of_many_at_once_one_is_new_and_one_answer_stands(pair: Pair) -> None:
    sides = [pair.one, pair.two] * 50
    claims = await asyncio.gather(*(side.claim("t", HASH, "k", FREE) for side in sides))
    assert sorted(claim.state for claim in claims) == ["new"] + ["open"] * 99
    told = await asyncio.gather(
        *(side.answer("t", HASH, b"a%d" % n, b"r%d" % n) for n, side in enumerate(sides))
    )
    standing = await pair.one.answered("t")
    assert standing is not None
    assert told.count(None) == 1
    assert told[int(standing[1:])] is None
    assert set(told) == {None, standing}
    assert dict(await pair.two.outbox()) == {"t": b"r" + standing[1:]}


async def test_of_two_bodies_at_once_one_is_claimed(pair: Pair) -> None:
    for n in range(30):
        hashes = [HASH, OTHER] if n % 2 else [OTHER, HASH]
        claims = await asyncio.gather(
            *(
                side.claim(f"t{n}", body, "k", FREE)
                for side, body in zip((pair.one, pair.two), hashes, strict=True)
            )
        )
        assert sorted(claim.state for claim in claims) == ["new", "other"]


async def test_the_outbox_holds_until_it_is_told(pair: Pair) -> None:
    for n in range(30):
        await pair.one.answer(f"t{n}", HASH, b"A", b"r%d" % n)
    assert dict(await pair.two.outbox()) == {f"t{n}": b"r%d" % n for n in range(30)}
    await pair.two.sent({f"t{n}": b"r%d" % n for n in range(29)})
    await pair.two.sent({})
    assert dict(await pair.one.outbox()) == {"t29": b"r29"}
    await pair.two.sent({"t29": b"an older answer's"})
    assert dict(await pair.one.outbox()) == {"t29": b"r29"}, "what was sent was another record"
    assert await pair.one.answered("t3") == b"A", "an answer stands though its record is sent"


@pytest.mark.parametrize("tx_id", ["a:b{c}d", "مرحبا", "\U0001f600", "x" * 64, " ", "*", "tx:\n"])
async def test_an_id_may_hold_any_letter(pair: Pair, tx_id: str) -> None:
    assert await pair.one.claim(tx_id, HASH, "k", FREE) == Claim("new")
    assert await pair.one.answer(tx_id, HASH, b"\x00\xff", b"\r\n\x00") is None
    assert await pair.two.claim(tx_id, HASH, "k", FREE) == Claim("answered", b"\x00\xff")
    assert dict(await pair.two.outbox()) == {tx_id: b"\r\n\x00"}
    assert await pair.two.answered(tx_id + "x") is None


async def test_a_key_above_its_rate_claims_nothing(pair: Pair) -> None:
    slow = rate(0.001, 2)
    assert [(await pair.one.claim(f"t{n}", HASH, "k", slow)).state for n in range(2)] == ["new", "new"]
    refused = await pair.two.claim("t2", HASH, "k", slow)
    assert refused.state == "limited"
    assert 0 < refused.wait_us <= slow.step_us
    assert await pair.one.answered("t2") is None
    assert (await pair.two.claim("t2", HASH, "neighbour", slow)).state == "new"


async def test_bulk_and_decisions_take_of_one_rate(pair: Pair) -> None:
    slow = rate(0.001, 1)
    assert await pair.one.take("k", 5, slow) == 0
    wait_us = await pair.two.take("k", 1, slow)
    assert 4.9 * slow.step_us < wait_us <= 5 * slow.step_us
    assert (await pair.two.claim("t", HASH, "k", slow)).state == "limited"


async def test_a_million_items_at_a_low_rate_keep_their_precision(pair: Pair) -> None:
    slow = rate(0.01, 1)
    assert await pair.one.take("k", 100_000, slow) == 0
    wait_us = await pair.two.take("k", 1, slow)
    assert 0 <= 100_000 * slow.step_us - wait_us < 10_000_000


Schedule = list[tuple[int, int]]


@given(
    schedule=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 400)), min_size=1, max_size=12),
    per_s=st.floats(10, 100_000),
    burst=st.integers(1, 500),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_takes_of_a_rate_as_python_does(
    redis_server: RedisServer, schedule: Schedule, per_s: float, burst: int
) -> None:
    """Redis has its own clock: each call is compared with the earliest and the latest it may have been."""
    limit = rate(per_s, burst)
    asyncio.run(_same(redis_server, schedule, limit))


async def _same(server: RedisServer, schedule: Schedule, limit: Rate) -> None:
    once = RedisOnce(RedisAddress(server.url), f"p{uuid.uuid4().hex[:8]}", KEEP_MS)
    look: Any = redis.Redis.from_url(server.url)
    arrival_us = 0
    try:
        for pause_us, many in schedule:
            items = 1 if many % 2 else many
            await asyncio.sleep(pause_us / 1e6)
            before_us = _time_us(look)
            if items == 1:
                wait_us = (await once.claim(uuid.uuid4().hex, HASH, "k", limit)).wait_us
            else:
                wait_us = await once.take("k", items, limit)
            after_us = _time_us(look)
            least, most = (take(arrival_us, now_us, items, limit) for now_us in (after_us, before_us))
            kept_us = int(look.get(once._rate("k")) or 0)
            if least.wait_us or most.wait_us:
                assert least.wait_us <= wait_us <= most.wait_us
            else:
                assert wait_us == 0
            assert kept_us == arrival_us if wait_us else most.arrival_us <= kept_us <= least.arrival_us
            arrival_us = kept_us
    finally:
        await once.close()
        look.close()


def _time_us(look: Any) -> int:
    seconds, micros = look.time()
    return int(seconds) * 1_000_000 + int(micros)


async def test_claims_answers_and_rates_expire_and_the_outbox_does_not(redis_server: RedisServer) -> None:
    once = RedisOnce(RedisAddress(redis_server.url), f"p{uuid.uuid4().hex[:8]}", 60)
    await once.claim("claimed", HASH, "k", FREE)
    await once.answer("answered", HASH, b"A", b"r")
    look: Any = redis.Redis.from_url(redis_server.url)
    assert 0 < look.pttl(once._rate("k")) <= 61_000
    await asyncio.sleep(0.12)
    assert await once.answered("claimed") is None
    assert await once.answered("answered") is None
    assert await once.claim("answered", OTHER, "k", FREE) == Claim("new")
    assert dict(await once.outbox()) == {"answered": b"r"}
    look.close()
    await once.close()


async def test_portfolios_do_not_see_each_other(redis_server: RedisServer) -> None:
    a, b = (RedisOnce(RedisAddress(redis_server.url), uuid.uuid4().hex[:8], KEEP_MS) for _ in range(2))
    await a.claim("t", HASH, "k", FREE)
    await a.answer("t", HASH, b"A", b"r")
    assert await b.answered("t") is None
    assert await b.claim("t", OTHER, "k", FREE) == Claim("new")
    assert not await b.outbox()
    await a.close()
    await b.close()


async def test_a_large_outbox_is_emptied_look_by_look(redis_server: RedisServer) -> None:
    once = RedisOnce(RedisAddress(redis_server.url), uuid.uuid4().hex[:8], KEEP_MS)
    ids = [f"t{n}" for n in range(3_000)]
    for n in range(0, len(ids), 50):  # no more at once than there are connections
        await asyncio.gather(*(once.answer(tx_id, HASH, b"A", b"r") for tx_id in ids[n : n + 50]))
    found: list[str] = []
    while some := await once.outbox():
        found += some
        await once.sent(some)
    assert sorted(found) == sorted(ids)
    await once.close()


async def test_redis_away_is_told_and_over_when_it_is_back(
    start_redis: Callable[..., RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_redis, "WAIT_MS", 500)
    server = start_redis()
    once = RedisOnce(RedisAddress(server.url), "bank", KEEP_MS)
    await once.answer("t", HASH, b"A", b"r")
    server.stop()  # killed, it may forget what it had not written by then
    calls: list[Callable[[], Any]] = [
        lambda: once.claim("t", HASH, "k", FREE),
        lambda: once.answer("t", HASH, b"A", b"r"),
        lambda: once.answered("t"),
        lambda: once.take("k", 1, FREE),
        once.outbox,
        lambda: once.sent({"t": b"r"}),
    ]
    for call in calls:
        with pytest.raises(RedisAway):
            await call()
    server.start()
    assert await once.claim("t", HASH, "k", FREE) == Claim("answered", b"A")
    await once.close()


async def test_a_redis_that_is_full_or_stands_still_is_away(
    start_redis: Callable[..., RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_redis, "WAIT_MS", 300)
    server = start_redis()
    once = RedisOnce(RedisAddress(server.url), "bank", KEEP_MS)
    look: Any = redis.Redis.from_url(server.url)
    look.config_set("maxmemory", 1)
    with pytest.raises(RedisAway):
        await once.claim("t", HASH, "k", FREE)
    look.config_set("maxmemory", 0)
    look.client_pause(2_000)
    with pytest.raises(RedisAway):
        await asyncio.wait_for(once.claim("t", HASH, "k", FREE), 1.5)
    look.client_unpause()
    assert (await once.claim("t", HASH, "k", FREE)).state in ("new", "open")
    look.close()
    await once.close()
