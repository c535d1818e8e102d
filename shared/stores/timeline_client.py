"""A synchronous client of where timelines lie, one Redis or a cluster. Nothing is tried twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from shared.contracts.addresses import RedisAddress

from .redis_nodes import is_cluster, node_urls

_MANY: Final = 1_000


class TimelineClient:
    """Commands by key, and by node where they concern one. Raises redis.RedisError when nobody answers."""

    def __init__(self, address: RedisAddress) -> None:
        # Never retried by the client: a repeated append is the caller's decision.
        self._redis = _connected(address, Retry(NoBackoff(), 0))
        self._execute: Callable[..., Any] = self._redis.execute_command

    def close(self) -> None:
        """Closes the connections."""
        self._redis.close()

    def command(self, *parts: object) -> Any:
        """The reply to one command with a key; in a cluster its node answers."""
        return self._execute(*parts)

    def script(self, text: str | bytes, keys: Sequence[bytes], *arguments: object) -> Any:
        """The reply to a script over ``keys``, all of one bucket."""
        return self._execute("EVAL", text, len(keys), *keys, *arguments)

    def pipelined(self, commands: Iterable[Sequence[object]]) -> list[Any]:
        """The replies of several commands with one key each, sent together. Raises the first error."""
        with self._redis.pipeline(transaction=False) as pipe:
            queue: Callable[..., Any] = pipe.execute_command
            for parts in commands:
                queue(*parts)
            return pipe.execute()

    def on_each_node(self, *parts: object) -> list[Any]:
        """The reply of every node that holds keys to a command without one."""
        return [node(*parts) for node in self._nodes()]

    def scan(self, pattern: bytes) -> Iterator[list[bytes]]:
        """Keys that match, in pages; a key may come twice. No server is blocked."""
        for node in self._nodes():
            cursor: object = 0
            while True:
                cursor, page = node("SCAN", cursor, "MATCH", pattern, "COUNT", _MANY)
                if page:
                    yield page
                if int(cast(bytes, cursor)) == 0:
                    break

    def _nodes(self) -> list[Callable[..., Any]]:
        if isinstance(self._redis, RedisCluster):
            cluster = self._redis
            primaries: Callable[[], list[ClusterNode]] = cluster.get_primaries
            return [cluster.get_redis_connection(node).execute_command for node in primaries()]
        return [self._redis.execute_command]


def _connected(address: RedisAddress, retry: Retry) -> redis.Redis | RedisCluster:
    urls = node_urls(address)
    if not is_cluster(address):
        return redis.Redis.from_url(urls[0], **address.options(), retry=retry)
    parts = [urlsplit(url) for url in urls]
    node: Callable[..., ClusterNode] = ClusterNode
    nodes = [node(part.hostname or "localhost", part.port or 6379) for part in parts]
    sign_in: dict[str, Any] = address.options() or _of_url(parts[0].username, parts[0].password)
    is_tls = parts[0].scheme == "rediss"
    return RedisCluster(startup_nodes=nodes, retry=retry, ssl=is_tls, **sign_in)


def _of_url(user: str | None, password: str | None) -> dict[str, str]:
    found = {"username": user, "password": password}
    return {name: unquote(value) for name, value in found.items() if value}
