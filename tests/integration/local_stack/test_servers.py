"""The broker and Redis of the fixtures: real, on loopback, durable over restart and kill."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from redis import Redis
from redis.exceptions import ResponseError

from infra.local.kafka import MESSAGE_LIMIT_BYTES, KafkaServer
from infra.local.redis import RedisServer


def broker_settings(bootstrap: str) -> dict[str, str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")], config_filter="all")
        return {name: row["value"] for name, row in found["broker"]["1"].items()}
    finally:
        admin.close()


def test_broker_refuses_surprises(kafka_server: KafkaServer) -> None:
    settings = broker_settings(kafka_server.bootstrap)
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["group.initial.rebalance.delay.ms"] == "0"
    assert settings["message.max.bytes"] == str(MESSAGE_LIMIT_BYTES)


def test_broker_listens_on_loopback_only_and_without_jmx(kafka_server: KafkaServer) -> None:
    listening = {
        (c.laddr.ip.removeprefix("::ffff:"), c.laddr.port)
        for c in psutil.Process(kafka_server.pid).net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", kafka_server.port), ("127.0.0.1", kafka_server.controller_port)}


def test_redis_keeps_data_over_restart_and_kill(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis()
    with Redis(unix_socket_path=server.socket_path) as client:
        client.set("k", "v")
    server.restart()
    with Redis.from_url(server.url) as client:
        assert client.get("k") == b"v"
        client.set("k", "w")
    server.kill()
    server.start()
    with Redis.from_url(server.url) as client:
        assert client.get("k") == b"w"


def test_redis_without_append_only_forgets(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis(append_only=False)
    with Redis.from_url(server.url) as client:
        client.set("k", "v")
    server.restart()
    with Redis.from_url(server.url) as client:
        assert client.get("k") is None


def test_redis_refuses_rather_than_evicts(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis(max_memory_bytes=3_000_000)
    with Redis.from_url(server.url) as client, pytest.raises(ResponseError, match="maxmemory"):
        fill(client, values=50, size_bytes=100_000)


def fill(client: Redis, values: int, size_bytes: int) -> None:
    for number in range(values):
        client.set(f"k{number}", b"x" * size_bytes)


def test_session_redis_answers(redis_server: RedisServer) -> None:
    with Redis.from_url(redis_server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
