"""Health by progress, and its three endpoints."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from aiohttp import ClientSession

from shared.runtime.health import Health, HealthServer, health_thread


class Watch:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_part_that_stops_beating_is_not_alive() -> None:
    watch = Watch()
    health = Health(progress_deadline_s=5, monotonic=watch)
    assert health.live().ok
    health.beat("pump")
    watch.now_s += 5
    assert health.live().ok
    watch.now_s += 1
    assert health.live().faults == ("pump made no progress for 6.0 s",)
    health.beat("pump")
    assert health.live().ok
    watch.now_s += 60
    health.rest("pump")
    assert health.live().ok


def test_ready_needs_the_start_over_and_no_condition_held() -> None:
    health = Health(progress_deadline_s=5)
    assert health.ready().faults == ("still starting",)
    health.started()
    assert health.ready().ok
    health.hold("redis", "redis_away")
    assert health.ready().faults == ("redis: redis_away",)
    assert health.live().ok
    health.clear("redis")
    assert health.ready().ok


async def test_endpoints_answer_with_reasons_and_notes() -> None:
    health = Health(progress_deadline_s=5)
    health.note("lag", 3)
    server = HealthServer(health, port=0)
    await server.start()
    try:
        async with ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{server.port}/readyz") as answer:
                assert answer.status == 503
                assert await answer.json() == {
                    "status": "fault",
                    "faults": ["still starting"],
                    "notes": {"lag": 3},
                }
            health.started()
            for path in ("/readyz", "/livez", "/startupz"):
                async with client.get(f"http://127.0.0.1:{server.port}{path}") as answer:
                    assert answer.status == 200
    finally:
        await server.stop()


def test_a_program_without_a_loop_has_it_in_a_thread() -> None:
    health = Health(progress_deadline_s=5)
    with health_thread(health, port=0) as server:
        url = f"http://127.0.0.1:{server.port}"
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{url}/startupz", timeout=5)
        refused.value.close()
        health.started()
        with urlopen(f"{url}/startupz", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
        with pytest.raises(OSError, match="in use"), health_thread(health, server.port):
            pass
