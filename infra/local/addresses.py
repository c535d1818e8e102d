"""Ports of the broker: the named one, else those of the last run where they are free, else new ones."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from .errors import StackError
from .layout import DataDir
from .ports import free_ports, is_free

NEEDED: Final = 2


class BrokerPorts(Struct, frozen=True):
    """Where clients and where the controller listen, on loopback."""

    clients: int
    controller: int


def choose_ports(data: DataDir, wanted: int) -> BrokerPorts:
    """Ports for this run, remembered for the next; ``wanted`` 0 means any. StackError: it is taken."""
    if wanted and not is_free(wanted):
        raise StackError(
            f"Port {wanted} on loopback is in use by another program.",
            "Name another with --kafka-port, or leave it out to take a free one.",
        )
    former = _remembered(data)
    fresh = free_ports(NEEDED)
    clients = wanted or (former.clients if former and is_free(former.clients) else fresh[0])
    usable = former is not None and former.controller != clients and is_free(former.controller)
    chosen = BrokerPorts(clients, former.controller if former and usable else fresh[1])
    data.ports_file.write_bytes(msgspec.json.encode(chosen))
    return chosen


def _remembered(data: DataDir) -> BrokerPorts | None:
    try:
        return msgspec.json.decode(data.ports_file.read_bytes(), type=BrokerPorts)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
