"""Requests as ready bytes, in which only ids and times change: writing one costs a microsecond."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

ACCOUNTS: Final = 2_000
MERCHANTS: Final = 200
TERMINALS: Final = 800

_PAYMENT: Final = (
    b'{"tx_id":"fd-%bx%09d","account_id":"acc-%06d","event_time_ms":%013d,"amount_minor":%05d,'
    b'"currency":"EUR","card_id":"card-%06d","merchant_id":"mer-%04d","terminal_id":"ter-%05d",'
    b'"category":"groceries","channel":"pos","country":"FR"}'
)
"""Every number has its width, so that each payment is as long as the next."""


class Target(NamedTuple):
    """Where requests go, and the key they carry."""

    host: str
    port: int
    key: str


def target(url: str, key: str) -> Target:
    """The target at ``http://HOST:PORT``. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url!r}: the bench speaks plain http, http://HOST:PORT")
    return Target(parts.hostname, parts.port or 80, key)


def decisions(where: Target, deadline_ms: int) -> Callable[[int], bytes]:
    """Makes the whole request for the payment of a number, with its time at the moment of the call."""
    run = secrets.token_hex(4).encode()
    head = _head(where, f"/v1/decisions?deadline_ms={deadline_ms}", "application/json")
    template = head % len(payment(run, 0, 0)) + _PAYMENT

    def request(number: int) -> bytes:
        return template % _numbers(run, number, time.time_ns() // 1_000_000)

    return request


def lines(where: Target, items: int) -> Callable[[int], bytes]:
    """Makes the whole request for the bulk of a number: ``items`` payments, a line each."""
    run = secrets.token_hex(4).encode()
    head = _head(where, "/v1/transactions", "application/x-ndjson")
    whole = head % (items * (len(payment(run, 0, 0)) + 1))

    def request(number: int) -> bytes:
        now_ms, first = time.time_ns() // 1_000_000, number * items
        return whole + b"".join([payment(run, first + i, now_ms) + b"\n" for i in range(items)])

    return request


def payment(run: bytes, number: int, now_ms: int) -> bytes:
    """JSON of a payment; numbers walk through the accounts, merchants and terminals."""
    return _PAYMENT % _numbers(run, number, now_ms)


def _numbers(run: bytes, number: int, now_ms: int) -> tuple[bytes, int, int, int, int, int, int, int]:
    account, terminal = number * 7919 % ACCOUNTS, number * 104_729 % TERMINALS
    merchant = terminal % MERCHANTS
    return run, number, account, now_ms, 10_000 + number * 31 % 80_000, account, merchant, terminal


def _head(where: Target, path: str, media_type: str) -> bytes:
    """The request's head, with a place for the length of its body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {where.host}:{where.port}\r\nAuthorization: Bearer {where.key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: %d\r\n\r\n"
    ).encode()
