"""The client for asyncio: the calls of `Client`, awaited."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from random import random
from types import TracebackType

from shared.contracts import payments

from . import reading, requests
from .answers import Answer, Key, Known, MadeKey, NewKey, Sent
from .bulk import Chunk, Item, Lines, Tally, chunks, placed
from .exchange import Patience, Pause, exchange
from .failures import CallFailed
from .reading import Lost, Reply
from .requests import Request

Items = Iterable[Item] | AsyncIterable[Item]


class AsyncClient:
    """Asks one house from one event loop; see `Client` for what is retried, why that is safe, what is raised.

    async with AsyncClient("http://127.0.0.1:8700", key) as assay:
        answer = await assay.decide(Transaction(tx_id="order-1", account_id="a-1", ...))
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_ms: int = 2_000,
        bulk_timeout_ms: int = 30_000,
        retries: int = 2,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """As `Client`. Raises ValueError for a bad address."""
        from .transport import Awaiting

        self._transport = Awaiting(url, key, trust)
        self._patience = Patience(timeout_ms / 1000, retries)
        self._bulk_patience = Patience(bulk_timeout_ms / 1000, retries)

    async def decide(
        self, transaction: payments.Transaction | Mapping[str, object], *, deadline_ms: int = 500
    ) -> Answer:
        """May this payment go through? See `Client.decide`."""
        return reading.answer(await self._ask(requests.decide(transaction, deadline_ms)))

    async def decision(self, tx_id: str) -> Known | None:
        """What is known of a payment: answer and decision; None if the house has never heard of it."""
        return reading.known(await self._ask(requests.decision(tx_id)))

    async def send_transactions(
        self, items: Items, *, progress: Callable[[Sent], None] | None = None
    ) -> Sent:
        """Hand over payments, from a plain or an asynchronous iterable; see `Client.send_transactions`."""
        return await self._send("/v1/transactions", items, progress)

    async def send_activities(self, items: Items, *, progress: Callable[[Sent], None] | None = None) -> Sent:
        """Hand over other events of accounts; as `send_transactions`."""
        return await self._send("/v1/activities", items, progress)

    async def send_labels(self, items: Items, *, progress: Callable[[Sent], None] | None = None) -> Sent:
        """Hand over verdicts; as `send_transactions`. ``parked``: their payment is not known yet."""
        return await self._send("/v1/labels", items, progress)

    async def keys(self) -> list[Key]:
        """All keys of the house, without their secrets."""
        return reading.keys(await self._ask(requests.keys()))

    async def add_key(self, new: NewKey) -> MadeKey:
        """Make a key; its ``key`` is told this once. After Unavailable, `keys` tells whether it was made."""
        return reading.made_key(await self._ask(requests.add_key(new)))

    async def revoke_key(self, key_id: str) -> None:
        """End a key."""
        reading.revoked(await self._ask(requests.revoke_key(key_id)))

    async def close(self) -> None:
        """Let the connections go."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, path: str, items: Items, progress: Callable[[Sent], None] | None) -> Sent:
        tally = Tally()
        async for chunk in _chunks(items):
            try:
                reply = await self._ask(requests.bulk(path, chunk.body), self._bulk_patience)
                sent = placed(reading.receipt(reply), chunk)
            except CallFailed as failed:
                failed.sent = tally.sent()
                raise
            tally.add(sent)
            if progress is not None:
                progress(sent)
        return tally.sent()

    async def _ask(self, request: Request, patience: Patience | None = None) -> Reply:
        steps = exchange(request, patience or self._patience, time.monotonic, random)
        heard: Reply | Lost | None = None
        while True:
            try:
                step = steps.send(heard)
            except StopIteration as done:
                settled: Reply = done.value
                return settled
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                heard = None
            else:
                heard = await self._transport.hear(request, step)


async def _chunks(items: Items) -> AsyncIterator[Chunk]:
    """`chunks`, also of what comes asynchronously."""
    if not isinstance(items, AsyncIterable):
        for chunk in chunks(items):
            yield chunk
        return
    lines = Lines()
    async for item in items:
        if (full := lines.add(item)) is not None:
            yield full
    if (last := lines.rest()) is not None:
        yield last
