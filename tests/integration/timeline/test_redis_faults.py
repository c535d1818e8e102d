"""The Redis adapter against a real server that stops, dies, forgets, fills up or keeps silent."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import uvloop

from infra.local.redis import RedisServer
from shared.contracts.addresses import RedisAddress
from shared.stores.timeline_port import (
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochChanged,
    StateLost,
    StoreAway,
    StoreError,
    StoreFull,
    StoreRefused,
)
from shared.stores.timeline_redis import RedisTimelines
from tests.integration.timeline.rig import (
    LAYOUT,
    PORTFOLIO,
    RECORD_BYTES,
    Cache,
    RedisRig,
    call,
    ends,
    ids,
    key,
    row,
    rows,
    starts,
)

CARD = key("c1")


@asynccontextmanager
async def started(rig: RedisRig) -> AsyncIterator[RedisTimelines]:
    store = rig.worker()
    await store.start()
    await store.ensure_epoch()
    try:
        yield store
    finally:
        await store.stop()


@contextmanager
def frozen_process(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def outcomes(futures: list[asyncio.Future[AppendReply]]) -> list[AppendReply | BaseException]:
    return await asyncio.gather(*futures, return_exceptions=True)


async def send_again(store: RedisTimelines, calls: list[AppendCall]) -> list[AppendReply]:
    """What the pump does: from the first unanswered call, in order, until all are answered."""
    while True:
        try:
            await store.start()
            return [await store.append(one) for one in calls]
        except StoreAway:
            await asyncio.sleep(0.05)


async def test_silent_server_is_away_by_the_deadline_and_later_calls_are_void(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        with frozen_process(own_rig.server.pid):
            before = asyncio.get_running_loop().time()
            waiting = [store.append(call(1, (CARD, 0, row(i))), wait_ms=300) for i in range(3)]
            failed = await outcomes(waiting)
            assert 0.29 < asyncio.get_running_loop().time() - before < 0.6
        assert all(isinstance(one, StoreAway) and one.maybe_applied for one in failed)
        assert "300 ms" in str(failed[0])
        assert "void" in str(failed[1])


async def test_late_answers_never_reach_a_later_call(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        calls = [call(1, (CARD, 0, row(i))) for i in range(3)]
        with frozen_process(own_rig.server.pid):
            await outcomes([store.append(one, wait_ms=200) for one in calls])
        cache = Cache()
        for one, reply in zip(calls, await send_again(store, calls), strict=True):
            cache.absorb(one, reply)
        log = ids(own_rig.log(CARD))
        assert bytes(cache.logs[CARD]) == own_rig.log(CARD)[: len(cache.logs[CARD])]
        assert list(dict.fromkeys(log)) == [0, 1, 2]


async def test_busy_loop_reads_what_has_come_before_it_judges(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        waiting = store.append(call(1, (CARD, 0, row(1))), wait_ms=50)
        await asyncio.sleep(0)
        subprocess.run(["sleep", "0.2"], check=True)  # noqa: ASYNC221 - the loop is meant to stand still
        assert starts(await waiting) == [0]


async def test_cancelled_caller_does_not_shift_the_answers(redis_rig: RedisRig) -> None:
    async with started(redis_rig) as store:
        first = store.append(call(1, (CARD, 0, row(1))))
        second = store.append(call(1, (CARD, 0, row(2))))
        first.cancel()
        assert starts(await second) == [1]


async def test_flush_in_the_middle_of_pipelined_traffic(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        before = [store.append(call(1, (CARD, 0, row(i)))) for i in range(10)]
        flush = store.command(b"FLUSHALL")
        task = asyncio.ensure_future(flush)
        await asyncio.sleep(0)
        after = [store.append(call(1, (CARD, 0, row(i)))) for i in range(10, 20)]
        assert [starts(r) for r in await asyncio.gather(*before)] == [[i] for i in range(10)]
        await task
        failed = await outcomes(after)
        assert isinstance(failed[0], StateLost)
        assert all(isinstance(one, StoreAway) and one.maybe_applied for one in failed[1:])
        assert own_rig.log(CARD) == b""
        await store.start()
        state = await store.recover(ends(CapturedEnd("card", "c1", 1, 9)), at_least=1, held=1, lost=True)
        assert (state.number, state.rebuilding) == (2, True)
        assert starts(await store.append(call(2, (key("c1", 2), 0, row(10))))) == [0]


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_restart_with_append_only_file_loses_nothing(own_rig: RedisRig, how: str) -> None:
    async with started(own_rig) as store:
        waiting = [store.append(call(1, (key(f"c{i % 7}"), 0, row(i)))) for i in range(700)]
        await asyncio.gather(*waiting)
        if how == "kill":
            own_rig.server.kill()
            own_rig.server.start()
        else:
            own_rig.server.restart()
        with pytest.raises(StoreAway):
            await store.append(call(1, (CARD, 0, row(1))))
        assert await store.start() is True
        captured = ends(*[CapturedEnd("card", f"c{i}", 1, 99) for i in range(7)])
        state = await store.recover(captured, at_least=1, held=1, lost=False)
        assert (state.number, state.rebuilding) == (1, False)
        for i in range(7):
            assert ids(own_rig.log(key(f"c{i}"))) == list(range(i, 700, 7))


async def test_kill_in_flight_then_send_again_keeps_order_and_loses_nothing(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        calls = [call(1, (CARD, 0, rows(*range(i * 50, i * 50 + 50)))) for i in range(100)]
        waiting = [store.append(one) for one in calls]
        await waiting[30]
        own_rig.server.kill()
        done = await outcomes(waiting)
        answered = sum(isinstance(one, AppendReply) for one in done)
        assert answered > 30
        assert not any(isinstance(one, AppendReply) for one in done[answered:])
        own_rig.server.start()
        await send_again(store, calls[answered:])
        assert list(dict.fromkeys(ids(own_rig.log(CARD)))) == list(range(5_000))


async def test_restart_without_append_only_file_is_a_loss(start_redis: Callable[..., RedisServer]) -> None:
    rig = RedisRig(start_redis(append_only=False))
    async with started(rig) as store:
        await store.append(call(1, (CARD, 0, row(1))))
        rig.server.restart()
        assert await store.start() is True
        with pytest.raises(StateLost):
            await store.epoch()
        state = await store.recover(ends(), at_least=1, held=1, lost=False)
        assert (state.number, state.rebuilding) == (2, True)
        assert await store.start() is False
    rig.close()


async def test_full_memory_refuses_the_whole_call(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        own_rig.redis.config_set("maxmemory", 1)
        with pytest.raises(StoreFull):
            await store.append(call(1, *[(key(f"c{i}"), 0, row(i)) for i in range(300)]))
        own_rig.redis.config_set("maxmemory", 0)
        assert not any(own_rig.log(key(f"c{i}")) for i in range(300))
        await store.start()
        assert starts(await store.append(call(1, (CARD, 0, row(1))))) == [0]


async def test_read_only_replica_is_full(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        own_rig.redis.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]  # no stub
        with pytest.raises(StoreFull):
            await store.append(call(1, (CARD, 0, row(1))))
        own_rig.redis.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]  # no stub


async def test_failed_snapshot_refuses_writes(own_rig: RedisRig) -> None:
    async with started(own_rig) as store:
        own_rig.redis.config_set("save", "1 1")
        shutil.rmtree(own_rig.server.folder)  # the server's working folder: no file can be made in it
        own_rig.redis.bgsave()
        for _ in range(100):
            if own_rig.redis.info("persistence")["rdb_last_bgsave_status"] == "err":
                break
            await asyncio.sleep(0.05)
        with pytest.raises(StoreFull, match="MISCONF"):
            await store.append(call(1, (CARD, 0, row(1))))
        own_rig.redis.config_set("save", "")  # it would not end without the snapshot it cannot write


async def test_forgotten_script_is_loaded_again_at_start(redis_rig: RedisRig) -> None:
    async with started(redis_rig) as store:
        redis_rig.redis.script_flush()
        failed = await outcomes([store.append(call(1, (CARD, 0, row(i)))) for i in range(2)])
        assert all(isinstance(one, StoreAway) for one in failed)
        await store.start()
        assert starts(await store.append(call(1, (CARD, 0, row(0))))) == [0]


async def test_password_is_needed_and_told(own_rig: RedisRig) -> None:
    path = own_rig.server.socket_path
    own_rig.redis.config_set("requirepass", "sécret/1")
    right = RedisTimelines(RedisAddress(f"unix://:s%C3%A9cret%2F1@{path}"), PORTFOLIO, RECORD_BYTES, LAYOUT)
    await right.start()
    assert (await right.ensure_epoch()).number == 1
    await right.stop()
    for url in (f"unix://:wrong@{path}", f"unix://{path}"):
        with pytest.raises(StoreRefused):
            await RedisTimelines(RedisAddress(url), PORTFOLIO, RECORD_BYTES, LAYOUT).start()


async def test_nobody_there_is_away(tmp_path: Path) -> None:
    for url in (f"unix://{tmp_path}/none.sock", "redis://127.0.0.1:1"):
        with pytest.raises(StoreAway) as caught:
            await RedisTimelines(RedisAddress(url), PORTFOLIO, RECORD_BYTES, LAYOUT).start()
        assert caught.value.maybe_applied is False


async def test_over_tcp_in_small_pieces_and_cut_in_the_middle(redis_rig: RedisRig) -> None:
    """A relay hands on replies 7 bytes at a time, and ends the connection inside one."""
    left = 5_000

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        up, down = await asyncio.open_unix_connection(redis_rig.server.socket_path)
        onward = asyncio.create_task(forward(reader, down))
        while left > 0 and (piece := await up.read(7)):
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
        onward.cancel()
        for one in (writer, down):
            one.close()

    async def forward(reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            down.write(data)
            await down.drain()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = RedisTimelines(RedisAddress(f"redis://127.0.0.1:{port}/0"), PORTFOLIO, RECORD_BYTES, LAYOUT)
    await store.start()
    await store.ensure_epoch()
    left = 5_000
    waiting = [store.append(call(1, (CARD, 0, row(i)))) for i in range(60)]
    done = await outcomes(waiting)
    answered = [one for one in done if isinstance(one, AppendReply)]
    assert [one.unseen for one in answered] == [rows(*range(i)) for i in range(len(answered))]
    assert 5 < len(answered) < 60
    await store.stop()
    server.close()
    await server.wait_closed()


async def test_hundred_thousand_unseen_records_come_in_one_answer(redis_rig: RedisRig) -> None:
    async with started(redis_rig) as store:
        big = rows(*range(100_000))
        await store.append(call(1, (CARD, 0, big)), wait_ms=10_000)
        answer = await store.append(call(1, (key("c0"), 0, row(1)), (CARD, 3, row(1))), wait_ms=10_000)
        assert starts(answer) == [0, 100_000]
        assert answer.unseen == big[3 * RECORD_BYTES :]


async def test_two_clients_at_once_each_see_every_record_of_the_other(redis_rig: RedisRig) -> None:
    caches = [Cache(), Cache()]

    async def write(store: RedisTimelines, cache: Cache, first_id: int) -> None:
        keys = [key(f"c{i}") for i in range(20)]
        flight: list[tuple[AppendCall, asyncio.Future[AppendReply]]] = []
        for step in range(200):
            fresh = [(k, cache.known(k), row(first_id + step * 20 + i)) for i, k in enumerate(keys)]
            request = call(1, *fresh)
            flight.append((request, store.append(request)))
            if len(flight) == 3:
                asked, answer = flight.pop(0)
                cache.absorb(asked, await answer)
        for asked, answer in flight:
            cache.absorb(asked, await answer)
        read = call(1, *[(k, cache.known(k), b"") for k in keys])
        cache.absorb(read, await store.append(read))

    async with started(redis_rig) as one, started(redis_rig) as other:
        await asyncio.gather(write(one, caches[0], 0), write(other, caches[1], 1_000_000))
        for cache in caches:
            read = call(1, *[(k, cache.known(k), b"") for k in cache.logs])
            cache.absorb(read, await one.append(read))
    for log_key, log in caches[0].logs.items():
        assert bytes(log) == bytes(caches[1].logs[log_key]) == redis_rig.log(log_key)
        assert len(set(ids(bytes(log)))) == len(ids(bytes(log))) == 400


async def test_dead_lock_holder_is_waited_out(redis_rig: RedisRig) -> None:
    async with started(redis_rig) as store:
        redis_rig.redis.set("{test.bank:0}:lock", b"dead", px=300)
        assert (await store.recover(ends(), at_least=1, held=1, lost=True)).number == 2


def test_runs_under_uvloop(redis_rig: RedisRig) -> None:
    async def work() -> list[StoreError | BaseException | AppendReply]:
        async with started(redis_rig) as store:
            good = await outcomes([store.append(call(1, (CARD, 0, row(i)))) for i in range(5)])
            return good + await outcomes([store.append(call(2, (CARD, 0, row(9))))])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(work())
    assert isinstance(found[5], EpochChanged)
    assert ids(redis_rig.log(CARD)) == [0, 1, 2, 3, 4]
