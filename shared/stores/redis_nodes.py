"""Connections to where some hash tags live: one to a plain Redis, or one to each node of a Redis Cluster.

Nothing here follows MOVED or ASK or tries twice: a redirected call is an error like any other, and opening
again asks the cluster anew where its slots are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from redis.crc import key_slot

from shared.contracts.addresses import RedisAddress

from .redis_wire import Address, Wire, connect, pack, parse_address
from .timeline_port import STATE_WAIT_MS, StoreAway, StoreError, StoreRefused
from .timeline_replies import explain

CLUSTER: Final = "+cluster"
"""``redis+cluster://host:port,host:port`` names some nodes of a cluster, which knows the others."""


def is_cluster(redis: RedisAddress) -> bool:
    """Whether the URL speaks of a Redis Cluster."""
    return urlsplit(redis.url).scheme.endswith(CLUSTER)


def node_urls(redis: RedisAddress) -> list[str]:
    """The URL of each node that is named, as for a plain Redis; a cluster has no databases to select."""
    if not is_cluster(redis):
        return [redis.url]
    parts = urlsplit(redis.url)
    scheme = parts.scheme.removesuffix(CLUSTER)
    sign_in, _, hosts = parts.netloc.rpartition("@")
    user = f"{sign_in}@" if sign_in else ""
    return [f"{scheme}://{user}{host}" for host in hosts.split(",") if host]


def parse_nodes(redis: RedisAddress) -> list[Address]:
    """The nodes that the URL names, signed in as its user. Raises ValueError for a URL of another kind."""
    urls = node_urls(redis)
    if not urls:
        raise ValueError("a cluster's URL names nodes of it: redis+cluster://host:port,host:port")
    return [parse_address(replace(redis, url=url)) for url in urls]


class RedisNodes:
    """An open connection per node, found by the place of a tag in ``tags``; ``script`` is loaded on each."""

    def __init__(self, redis: RedisAddress, tags: Sequence[bytes], script: bytes, sha: bytes) -> None:
        self._seeds = parse_nodes(redis)
        self._is_cluster = is_cluster(redis)
        self._slots = [key_slot(tag) for tag in tags]
        self._script = script
        self._sha = sha
        self._known: list[Address] = []
        self._wires: list[Wire] = []

    async def open(self) -> None:
        """Connects to every node that holds a tag. Raises StoreAway, and StoreError for what a node says."""
        await self.close()
        owners = await self._owners() if self._is_cluster else [self._seeds[0]] * len(self._slots)
        nodes = list(dict.fromkeys(owners))
        wires = dict(zip(nodes, await _all([self._sign_in(node) for node in nodes]), strict=True))
        self._wires = [wires[owner] for owner in owners]

    async def close(self, why: StoreError | None = None) -> None:
        """Closes all; calls in flight fail with ``why``, and calls after it are refused."""
        self.void(why or StoreAway("stopped", maybe_applied=True))
        for wire in dict.fromkeys(self._wires):
            await wire.wait_gone()

    def void(self, why: StoreError) -> None:
        """Closes all without waiting for the sockets."""
        for wire in dict.fromkeys(self._wires):
            wire.close(why)

    @property
    def wires(self) -> list[Wire]:
        """The connection of each tag, in the order of the tags; none before the first `open`."""
        return self._wires

    async def _owners(self) -> list[Address]:
        """The node of each tag, asked of the first node that answers."""
        error = StoreAway("no node is named", maybe_applied=False)
        for node in dict.fromkeys([*self._seeds, *self._known]):
            try:
                ranges = await self._slot_ranges(node)
            except StoreAway as away:
                error = away
                continue
            self._known = list(dict.fromkeys(address for _, _, address in ranges))
            return [_owner(slot, ranges) for slot in self._slots]
        raise error

    async def _slot_ranges(self, node: Address) -> list[tuple[int, int, Address]]:
        wire = await connect(node, STATE_WAIT_MS)
        try:
            await _authenticate(wire, node)
            found = await ask(wire, b"CLUSTER", b"SLOTS")
        finally:
            wire.close(StoreAway("stopped", maybe_applied=True))
        return [(first, last, _at(node, primary)) for first, last, primary, *_ in found]

    async def _sign_in(self, node: Address) -> Wire:
        wire = await connect(node, STATE_WAIT_MS)
        try:
            await _authenticate(wire, node)
            loaded = await ask(wire, b"SCRIPT", b"LOAD", self._script)
            if loaded != self._sha:
                raise StoreRefused(f"the server loaded another script: {loaded!r}")
        except BaseException:
            wire.close(StoreAway("stopped", maybe_applied=True))
            raise
        return wire


async def ask(wire: Wire, *parts: bytes) -> Any:
    """The reply to one command. Raises StoreError."""
    return await wire.send(pack(parts), STATE_WAIT_MS, lambda reply: reply, explain)


async def _all(waiting: Sequence[Any]) -> list[Wire]:
    """Every connection, or none and the first error."""
    found = await asyncio.gather(*waiting, return_exceptions=True)
    wires = [one for one in found if isinstance(one, Wire)]
    for error in found:
        if isinstance(error, BaseException):
            for wire in wires:
                wire.close(StoreAway("stopped", maybe_applied=True))
            raise error
    return wires


async def _authenticate(wire: Wire, node: Address) -> None:
    if node.password is not None:
        user = [node.user.encode()] if node.user else []
        await ask(wire, b"AUTH", *user, node.password.encode())
    if node.db:
        await ask(wire, b"SELECT", b"%d" % node.db)


def _at(node: Address, told: Sequence[Any]) -> Address:
    """The address of a node that ``node`` told; one that does not know its own name is where we asked."""
    host = told[0].decode() if told[0] else node.host
    return replace(node, host=host, port=int(told[1]))


def _owner(slot: int, ranges: Sequence[tuple[int, int, Address]]) -> Address:
    for first, last, address in ranges:
        if first <= slot <= last:
            return address
    raise StoreAway(f"no node of the cluster serves slot {slot}", maybe_applied=False)
