"""What came back: a reply becomes a record, or one of the failures."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from shared.contracts.reasons import describe

from .answers import Answer, Key, Known, MadeKey, Sent
from .failures import (
    CallFailed,
    Conflict,
    Delayed,
    HouseFault,
    RateLimited,
    Refused,
    Unauthorised,
    Unavailable,
)

T = TypeVar("T")
F = TypeVar("F", bound=CallFailed)

_LATER: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses after which the same request may succeed; 502 and 504 come from what stands before the house."""


class Reply(NamedTuple):
    """A whole answer. ``retry_after`` is the header as it came, "" where there was none."""

    status: int
    body: bytes
    retry_after: str = ""
    request_id: str = ""


class Lost(NamedTuple):
    """No whole answer, with the reason code why; ``may_have_arrived``: the house may have acted on it."""

    code: str
    may_have_arrived: bool = True


class _Fault(Struct, frozen=True):
    code: str
    field: str = ""
    message: str = ""
    request_id: str = ""


class _FaultBody(Struct, frozen=True):
    error: _Fault


class _Keys(Struct, frozen=True):
    keys: list[Key]


_fault: Final = msgspec.json.Decoder(_FaultBody)


def answer(reply: Reply) -> Answer:
    """The answer to a payment. Raises CallFailed."""
    return _read(reply, Answer, (200, 202))


def known(reply: Reply) -> Known | None:
    """What is known of a payment, None where the house has never heard of it. Raises CallFailed."""
    if reply.status == 404 and _fault_of(reply).code == "decision_unknown":
        return None
    return _read(reply, Known, (200, 202))


def receipt(reply: Reply) -> Sent:
    """What became of a chunk, also where the house took none of it. Raises CallFailed."""
    if reply.status == 422 and b'"refused"' in reply.body:
        return _read(reply, Sent, (422,))
    return _read(reply, Sent, (200, 202))


def keys(reply: Reply) -> list[Key]:
    """All keys. Raises CallFailed."""
    return _read(reply, _Keys, (200,)).keys


def made_key(reply: Reply) -> MadeKey:
    """A new key. Raises CallFailed."""
    return _read(reply, MadeKey, (200, 201))


def revoked(reply: Reply) -> None:
    """Nothing, where a key was ended. Raises CallFailed."""
    if reply.status not in (200, 204):
        raise failure_of(reply)


def delay_of(heard: Reply | Lost) -> Delayed | None:
    """Why the same request should be sent again later, None where that would change nothing."""
    if isinstance(heard, Lost):
        return Unavailable(heard.code, message=describe(heard.code))
    if heard.status not in _LATER:
        return None
    fault = _fault_of(heard)
    kind: type[Delayed] = RateLimited if heard.status == 429 else Unavailable
    delay = _made(kind, fault, heard.status)
    delay.retry_after_s = _seconds(heard.retry_after)
    return delay


def failure_of(reply: Reply) -> CallFailed:
    """The failure that a reply other than the one hoped for means."""
    if (delay := delay_of(reply)) is not None:
        return delay
    return _made(_kind(reply.status), _fault_of(reply), reply.status)


def _made(kind: type[F], fault: _Fault, status: int) -> F:
    return kind(fault.code, fault.field, fault.message, fault.request_id, status)


def _kind(status: int) -> type[CallFailed]:
    if status in (401, 403):
        return Unauthorised
    if status == 409:
        return Conflict
    return Refused if 400 <= status < 500 else HouseFault


def _read(reply: Reply, kind: type[T], good: tuple[int, ...]) -> T:
    if reply.status not in good:
        raise failure_of(reply)
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _made(HouseFault, _unreadable(reply), reply.status) from None


def _fault_of(reply: Reply) -> _Fault:
    """What an error's body says; the body of a proxy says nothing that we could read."""
    try:
        fault = _fault.decode(reply.body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unreadable(reply)
    return fault if fault.request_id else msgspec.structs.replace(fault, request_id=reply.request_id)


def _unreadable(reply: Reply) -> _Fault:
    return _Fault("answer_unreadable", "", describe("answer_unreadable"), reply.request_id)


def _seconds(retry_after: str) -> float | None:
    """Seconds of a header ``Retry-After``; the form with a date would need a clock and counts as unsaid."""
    text = retry_after.strip()
    return float(text) if text.replace(".", "", 1).isdecimal() and text.isascii() else None
