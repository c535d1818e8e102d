"""Ports of a stack: those of the last run where they are free, else new ones; HTTP has usual ones."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from .errors import StackError
from .layout import DataDir
from .ports import PortClaims, free_ports, is_free

NEEDED: Final = 4
FRONT_DOOR: Final = 8700
SCREENS: Final = 8600


class StackPorts(Struct, frozen=True):
    """Where Kafka's clients, its controller, the gateway's callers and browsers find them, on loopback."""

    clients: int
    controller: int
    gateway: int = FRONT_DOOR
    console: int = SCREENS


def choose_ports(data: DataDir, wanted: int, claims: PortClaims) -> StackPorts:
    """Ports for this run, remembered for the next; ``wanted`` is Kafka's, 0 any. StackError: it is taken.

    The gateway's and the console's ports are claimed: every stack would like the same ones.
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
    chosen = StackPorts(
        clients,
        former.controller if former and usable else fresh[1],
        _claimed(former.gateway if former else FRONT_DOOR, fresh[2], {clients}, claims),
        _claimed(former.console if former else SCREENS, fresh[3], {clients}, claims),
    )
    data.ports_file.write_bytes(msgspec.json.encode(chosen))
    return chosen


def _claimed(wanted: int, fresh: int, taken: set[int], claims: PortClaims) -> int:
    """``wanted`` where it is ours to have, else ``fresh``."""
    is_ours = wanted not in taken and is_free(wanted) and claims.take(wanted)
    return wanted if is_ours else fresh


def _remembered(data: DataDir) -> StackPorts | None:
    try:
        return msgspec.json.decode(data.ports_file.read_bytes(), type=StackPorts)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
