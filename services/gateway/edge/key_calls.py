"""The calls about keys; each change is entered in the audit log before and after."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec
from fastapi import Response

from services.gateway.core import bodies, new_key
from services.gateway.core.keys import ApiKey
from services.gateway.core.refusal import Refused
from shared.runtime.clock import Clock
from shared.stores.audit_writer import Audit, Result

from .door import JSON, Call
from .key_book import KeyBook
from .reading import media_type, read_body

BODY_BYTES: Final = 4_096
DRAWN_BYTES: Final = 38
NEW_KEYS: Final = bodies.reader(new_key.NewKey)


class KeyCalls:
    """``GET`` and ``POST /v1/keys``, ``DELETE /v1/keys/{id}``."""

    def __init__(self, book: KeyBook, audit: Audit, portfolio: str, clock: Clock) -> None:
        self._book = book
        self._audit = audit
        self._portfolio = portfolio
        self._clock = clock

    async def list_keys(self, _: Call) -> Response:
        """Every key of the portfolio, without secrets."""
        return _json(new_key.KeyList(keys=[new_key.shown(key) for key in self._ours()]), 200)

    async def add(self, call: Call) -> Response:
        """A new key. Raises Refused, KafkaAway, DatabaseAway."""
        media_type(call.request, (bodies.JSON,))
        asked = bodies.read_one(NEW_KEYS, await read_body(call.request, BODY_BYTES))
        kept, told = new_key.make(asked, self._portfolio, self._clock.now_ms(), os.urandom(DRAWN_BYTES))
        after = msgspec.json.encode(new_key.shown(kept)).decode()
        await self._audited(call, "key_add", kept.key_id, after, partial(self._book.add, kept))
        return _json(told, 201)

    async def revoke(self, call: Call) -> Response:
        """End a key. Raises Refused, KafkaAway, DatabaseAway."""
        key_id = str(call.request.path_params["key_id"])
        if all(key.key_id != key_id for key in self._ours()):
            raise Refused("key_absent", "key_id")
        ending = partial(self._book.revoke, key_id, self._clock.now_ms())
        await self._audited(call, "key_revoke", key_id, "", ending)
        return Response(status_code=204)

    def _ours(self) -> list[ApiKey]:
        """Keys of this portfolio; others may be kept in the same database."""
        return [key for key in self._book.all() if key.portfolio == self._portfolio]

    async def _audited(
        self, call: Call, action: str, key_id: str, after: str, change: Callable[[], Awaitable[None]]
    ) -> None:
        await self._enter(call, action, key_id, "intended", after)
        await change()
        await self._enter(call, action, key_id, "done", after)

    async def _enter(self, call: Call, action: str, key_id: str, result: Result, after: str) -> None:
        reason = f"asked by {call.key.name}"
        await asyncio.to_thread(
            self._audit.write, call.key.name, action, key_id, reason, result, "", after, call.trace.request_id
        )


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON)
