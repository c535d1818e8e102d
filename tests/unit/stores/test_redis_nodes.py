"""URLs of one Redis and of a cluster's nodes."""

from __future__ import annotations

import pytest

from shared.contracts.addresses import RedisAddress
from shared.stores.redis_nodes import is_cluster, parse_nodes


def test_one_redis_is_one_node() -> None:
    redis = RedisAddress("unix:///run/r.sock?db=2")
    (node,) = parse_nodes(redis)
    assert (is_cluster(redis), node.path, node.db) == (False, "/run/r.sock", 2)


def test_cluster_names_some_nodes_that_all_sign_in_alike() -> None:
    redis = RedisAddress("rediss+cluster://me:p%40ss@10.0.0.1:7000,node-2,[::1]:7002")
    nodes = parse_nodes(redis)
    assert is_cluster(redis)
    assert [(node.host, node.port) for node in nodes] == [("10.0.0.1", 7000), ("node-2", 6379), ("::1", 7002)]
    assert {(node.user, node.password, node.tls, node.db) for node in nodes} == {("me", "p@ss", True, 0)}
    (other, *_) = parse_nodes(RedisAddress(redis.url, "scorer", "secret"))
    assert (other.user, other.password) == ("scorer", "secret")


@pytest.mark.parametrize(
    ("url", "why"),
    [("redis+cluster://", "names nodes"), ("http+cluster://a:1", "starts with"), ("x://a", "x")],
)
def test_url_of_another_kind_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_nodes(RedisAddress(url))
