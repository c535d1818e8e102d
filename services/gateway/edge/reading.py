"""Bodies off the wire, no more of them than may be."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.gateway.core.refusal import Refused


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises Refused, as soon as it is known to be above ``limit_bytes``."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit_bytes:
        raise Refused("oversize")
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit_bytes:
                raise Refused("oversize")
            parts.append(part)
    except ClientDisconnect:
        raise Refused("request_timeout") from None
    return b"".join(parts)


def media_type(request: Request, taken: Collection[str]) -> str:
    """The body's media type, one of ``taken``. Raises Refused; also for a body that is packed."""
    name = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if name not in taken or request.headers.get("content-encoding", "identity") != "identity":
        raise Refused("media_type")
    return name


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A query parameter. Raises Refused (`query_value`)."""
    if not request.scope["query_string"]:
        return default
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise Refused("query_value", name)
    return int(text)
