"""Loopback ports: finding free ones, and telling whether one is taken."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

HOST: Final = "127.0.0.1"
CONNECT_TIMEOUT_S: Final = 0.5


def free_ports(count: int) -> list[int]:
    """``count`` different ports of loopback that nobody listens on now."""
    with ExitStack() as open_sockets:
        return [open_sockets.enter_context(listener).getsockname()[1] for listener in _listeners(count)]


def _listeners(count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        listener = socket.socket()
        listener.bind((HOST, 0))
        yield listener


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of loopback now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Whether something accepts connections on ``port`` of loopback."""
    try:
        with socket.create_connection((HOST, port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


class PortClaims:
    """Ports that this process means to have listened on, told to other stacks of the machine while it lives.

    A stack chooses ports a minute before its services listen, so a free port may be chosen twice. A claim is
    a name in the kernel's abstract namespace: it ends with the process, however that ends. Where there is no
    such namespace (beyond Linux) every claim is granted.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self, port: int) -> bool:
        """Claim ``port``; False where another stack has it."""
        if not sys.platform.startswith("linux"):
            return True
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0assay.port.{port}")
        except OSError:
            name.close()
            return False
        self._held.append(name)
        return True

    def close(self) -> None:
        """Let go of all."""
        while self._held:
            self._held.pop().close()
