"""Ports of a stack: those of the last run where they are free, else new ones; the gateway has a usual one."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from .errors import StackError
from .layout import DataDir
from .ports import PortClaims, free_ports, is_free

NEEDED: Final = 3
FRONT_DOOR: Final = 8700


class StackPorts(Struct, frozen=True):
    """Where Kafka's clients, its controller and the gateway's callers find them, on loopback."""

    clients: int
    controller: int
    gateway: int = FRONT_DOOR


def choose_ports(data: DataDir, wanted: int, claims: PortClaims) -> StackPorts:
    """Ports for this run, remembered for the next; ``wanted`` is Kafka's, 0 any. StackError: it is taken.

    The gateway's port is claimed: every stack would like the same one.
    """
    if wanted and not is_free(wanted):
        raise StackError(
            f"Port {wanted} on loopback is in use by another program.",
            "Name another with --kafka-port, or leave it out to take a free one.",
        )
    former = _remembered(data)
    fresh = free_ports(NEEDED)
    clients = wanted or (former.clients if former and is_free(former.clients) else fresh[0])
    usable = former is not None and former.controller != clients and is_free(former.controller)
    gateway = former.gateway if former else FRONT_DOOR
    is_ours = gateway != clients and is_free(gateway) and claims.take(gateway)
    chosen = StackPorts(
        clients,
        former.controller if former and usable else fresh[1],
        gateway if is_ours else fresh[2],
    )
    data.ports_file.write_bytes(msgspec.json.encode(chosen))
    return chosen


def _remembered(data: DataDir) -> StackPorts | None:
    try:
        return msgspec.json.decode(data.ports_file.read_bytes(), type=StackPorts)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
