"""A real Redis Cluster of three nodes without replicas, on free ports of loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import redis

from infra.local.ports import HOST, free_ports, is_free
from infra.local.redis import RedisServer
from shared.contracts.addresses import RedisAddress

NODES: Final = 3
SLOTS: Final = 16_384
BUS: Final = 10_000
"""A node's own port for the others lies so much above the one for clients."""

PATIENCE_S: Final = 30.0


class ClusterServer(RedisServer):
    """One node; its share of the slots stands in its folder and survives it."""

    def __init__(self, folder: Path) -> None:
        self.port = _port()
        super().__init__(folder, path_first=False)

    @property
    def address(self) -> RedisAddress:
        """The node itself, by its port."""
        return RedisAddress(f"redis://{HOST}:{self.port}")

    def command(self) -> Sequence[str]:
        """As a plain server, and a port that the others can name."""
        settings = {
            "port": self.port,
            "bind": HOST,
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": 1_000,
            # A process is known by its socket, which Redis shows no more where there is a port.
            "proc-title-template": "{title} {listen-addr} {unixsocket}",
        }
        return [
            *super().command(),
            *(str(word) for key, value in settings.items() for word in (f"--{key}", value)),
        ]

    def ask(self, *words: object) -> Any:
        """A reply of this node."""
        with redis.Redis(host=HOST, port=self.port, decode_responses=True) as client:
            execute: Callable[..., Any] = client.execute_command
            return execute(*words)

    @property
    def node_id(self) -> str:
        """How the other nodes name it."""
        return str(self.ask("CLUSTER", "MYID"))


class RedisCluster:
    """``.address`` is what clients are given; ``.nodes`` may be killed and started one by one."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [ClusterServer(folder / f"node-{number}") for number in range(NODES)]

    @property
    def address(self) -> RedisAddress:
        """All nodes, any of which knows the others."""
        return RedisAddress("redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes))

    def start(self) -> None:
        """Three nodes that share the slots evenly and agree on it."""
        for node in self.nodes:
            node.launch()
        for number, node in enumerate(self.nodes):
            node.wait_ready()
            share = range(number * SLOTS // NODES, (number + 1) * SLOTS // NODES)
            node.ask("CLUSTER", "ADDSLOTS", *share)
            # Equal epochs would be settled later, by nodes changing theirs while tests run.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", HOST, self.nodes[0].port)
        self.wait_whole()

    def wait_whole(self) -> None:
        """Returns once every node serves; raises AssertionError if that takes too long."""
        wait_for(lambda: all(self._is_whole(node) for node in self.nodes), "the cluster is not whole")

    def restart(self) -> None:
        """All nodes anew over the same data."""
        for node in self.nodes:
            node.stop()
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()
        self.wait_whole()

    def stop(self) -> None:
        """All nodes end."""
        for node in self.nodes:
            node.stop()

    def owner(self, slot: int) -> ClusterServer:
        """The node that serves a slot, by what the first node knows."""
        for first, last, (_, port, *_), *_ in self.nodes[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody serves slot {slot}")

    def flush(self) -> None:
        """No keys any more; slots stay where they are."""
        for node in self.nodes:
            node.ask("FLUSHALL")

    def _is_whole(self, node: ClusterServer) -> bool:
        state = node.ask("CLUSTER", "INFO")
        known = dict(line.split(":") for line in _lines(state))
        return known["cluster_state"] == "ok" and known["cluster_known_nodes"] == str(NODES)


def wait_for(is_so: Callable[[], bool], otherwise: str) -> None:
    """Returns once it is so; raises AssertionError."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def _lines(state: Any) -> Iterable[str]:
    return [f"{k}:{v}" for k, v in state.items()] if isinstance(state, dict) else str(state).split()


def _port() -> int:
    """A free port whose bus port is free too."""
    for _ in range(1_000):
        port = free_ports(1)[0]
        if port + BUS < 65_536 and is_free(port + BUS):
            return port
    raise AssertionError("no free pair of ports")
