"""A request over HTTP that ends with a reason code: its status, and what its caller is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from .reasons import describe

UNREADABLE: Final = 422
"""The status of a reason code that no table names: the body's content is at fault."""


class RequestRefused(Exception):
    """The request ends here. ``retry_after_s`` is when it may succeed, None where waiting is no help.

    A service has a sub-class with its own ``statuses``, by code.
    """

    statuses: ClassVar[Mapping[str, int]] = {}

    def __init__(self, code: str, field: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s

    @classmethod
    def status_of(cls, code: str) -> int:
        """The HTTP status that goes with a reason code."""
        return cls.statuses.get(code, UNREADABLE)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.status_of(self.code)


class Fault(Struct, frozen=True, kw_only=True):
    """The inside of an error's body."""

    code: str
    field: str
    message: str
    request_id: str


class FaultBody(Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: Fault


def fault(refused: RequestRefused, request_id: str) -> Fault:
    """What is told of a refusal."""
    return Fault(
        code=refused.code, field=refused.field, message=describe(refused.code), request_id=request_id
    )


def fault_body(refused: RequestRefused, request_id: str) -> bytes:
    """The same as the JSON bytes of an answer."""
    return msgspec.json.encode(FaultBody(error=fault(refused, request_id)))
