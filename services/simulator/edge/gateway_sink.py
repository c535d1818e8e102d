"""Live traffic through the front door, as an application sends it: in bulk, with refusals per record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from shared.client import AsyncClient, CallFailed
from shared.client.answers import Sent as Receipt

from .sink import Kind, Sent, SinkAway


class Bulk(Protocol):
    """The calls of `shared.client.AsyncClient` that a sink needs."""

    async def send_transactions(self, items: Any) -> Receipt: ...
    async def send_activities(self, items: Any) -> Receipt: ...
    async def send_labels(self, items: Any) -> Receipt: ...
    async def close(self) -> None: ...


class GatewaySink:
    """Hands records to one house; the client tries again where it is busy."""

    def __init__(self, client: Bulk) -> None:
        self._client = client

    async def send(self, kind: Kind, records: Sequence[Sent]) -> int:
        """Returns when the house has taken or refused each record. Raises SinkAway for a call that failed."""
        calls = {
            "transactions": self._client.send_transactions,
            "activities": self._client.send_activities,
            "labels": self._client.send_labels,
        }
        items = [msgspec.json.decode(record.value) for record in records]
        try:
            receipt = await calls[kind](items)
        except CallFailed as failed:
            raise SinkAway(failed.code) from failed
        return len(receipt.refused)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()


def gateway_sink(url: str, key: str) -> GatewaySink:
    """A sink for the house at ``url``. Raises ValueError for a bad address."""
    return GatewaySink(AsyncClient(url, key))
