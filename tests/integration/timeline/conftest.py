"""Stores for the timeline tests: in process, and on a Redis of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infra.local.redis import RedisServer
from tests.integration.timeline.rig import MemoryRig, RedisRig, Rig


@pytest.fixture
def redis_rig(redis_server: RedisServer) -> Iterator[RedisRig]:
    """The session's server, emptied."""
    rig = RedisRig(redis_server)
    rig.flush()
    yield rig
    rig.flush()
    rig.close()


@pytest.fixture
def own_rig(start_redis: Callable[..., RedisServer]) -> Iterator[RedisRig]:
    """A server of the test's own that may be killed."""
    rig = RedisRig(start_redis())
    yield rig
    rig.close()


@pytest.fixture(params=["memory", "redis"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Both stores, one after the other."""
    if request.param == "memory":
        return MemoryRig()
    found: RedisRig = request.getfixturevalue("redis_rig")
    return found
