"""Stores for the timeline tests: in process, on a Redis of their own, in buckets, on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infra.local.redis import RedisServer
from tests.integration.timeline.rig import CLUSTER_BUCKETS, ClusterRig, MemoryRig, RedisRig, Rig
from tests.support.redis_cluster import RedisCluster


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


@pytest.fixture
def bucket_rig(redis_server: RedisServer) -> Iterator[RedisRig]:
    """The session's server, emptied, with logs in several buckets."""
    rig = RedisRig(redis_server, CLUSTER_BUCKETS)
    rig.flush()
    yield rig
    rig.flush()
    rig.close()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three nodes; a test that kills one starts it again before it ends."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster_rig(redis_cluster: RedisCluster) -> Iterator[ClusterRig]:
    """The session's cluster, emptied."""
    rig = ClusterRig(redis_cluster)
    rig.flush()
    yield rig
    rig.flush()
    rig.close()


@pytest.fixture(params=["memory", "redis", "bucket", "cluster"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Every store, one after the other."""
    if request.param == "memory":
        return MemoryRig()
    found: Rig = request.getfixturevalue(f"{request.param}_rig")
    return found
