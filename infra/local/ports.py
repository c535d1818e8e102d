"""Loopback ports: finding free ones, and telling whether one is taken."""

from __future__ import annotations

import socket
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
