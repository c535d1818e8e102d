"""The calls about one payment: decide it, look it up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from fastapi import Response

from services.gateway.core import answers, bodies, records
from services.gateway.core.answers import Given
from services.gateway.core.refusal import Refused
from services.gateway.core.slots import PacedSlots, Slots
from shared.contracts.bounds import RECORD_LIMIT_BYTES

from .counts import Counts
from .desk import Desk
from .door import JSON, Call
from .reading import media_type, read_body, whole_number

SHOWN: Final = (
    "decision_id", "tx_id", "account_id", "event_time_ms", "amount_minor", "currency", "action", "reasons",
    "flags", "score", "threshold", "model", "release_seq", "release_hash", "feature_set", "state_quality",
    "decided_at_ms", "caller", "gateway",
)  # fmt: skip
LAKE_LOOKS: Final = 4
"""Looks into the lake at once: each holds a thread, and key changes and labels need threads too."""

_DETAILS: Final = frozenset(
    "reasons flags score threshold model release_seq release_hash feature_set state_quality".split()
)


class Lake(Protocol):
    """Decisions of any payment, HTTP's or not."""

    def decision_by_tx(self, portfolio: str, tx_id: str) -> dict[str, Any] | None:
        """The decision, or None. Blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Of a request that names none, and the latest one it may name; ms."""

    default_ms: int
    most_ms: int


class DecisionCalls:
    """``POST /v1/decisions`` and ``GET /v1/decisions/{tx_id}``."""

    def __init__(
        self,
        desk: Desk,
        slots: PacedSlots,
        deadlines: Deadlines,
        lake: Lake,
        portfolio: str,
        counts: Counts,
    ) -> None:
        self._desk = desk
        self._slots = slots
        self._looks = Slots(LAKE_LOOKS)
        self._deadlines = deadlines
        self._lake = lake
        self._portfolio = portfolio
        self._counts = counts

    async def decide(self, call: Call) -> Response:
        """Answer a payment. Raises Refused."""
        self._slots.look(call.key.key_id)
        media_type(call.request, (bodies.JSON,))
        limit = self._deadlines
        deadline_ms = whole_number(call.request, "deadline_ms", limit.default_ms, 5, limit.most_ms)
        raw = await read_body(call.request, RECORD_LIMIT_BYTES)
        body = bodies.read_one(bodies.TRANSACTIONS, raw)
        payment = records.transaction(body, call.key, call.request.headers.get("idempotency-key"))
        with self._slots.held(call.key.key_id), self._timed():
            given = await self._desk.decide(payment, call.key, deadline_ms / 1000, call.trace)
        self._counts.actions[given.action] += 1
        return _answer(given, call.key.details)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            yield
        finally:
            ended_s = clock()
            self._slots.answered(1000 * ended_s, 1000 * (ended_s - began_s))

    async def look_up(self, call: Call) -> Response:
        """What was answered over HTTP, and what was decided. Raises Refused."""
        tx_id = str(call.request.path_params["tx_id"])
        held = await self._desk.answered(tx_id)
        answer = answers.read_given(held) if held else None
        decision = await self._decision(tx_id, call.key.key_id)
        if held is None and decision is None:
            raise Refused("decision_unknown", "tx_id")
        details = call.key.details
        body = {
            "answer": None if answer is None else orjson.Fragment(_json(answer, details)),
            "decision": None if decision is None else _shown(decision, details),
        }
        is_open = answer is None and decision is None
        return Response(orjson.dumps(body), 202 if is_open else 200, media_type=JSON)

    async def _decision(self, tx_id: str, key_id: str) -> dict[str, Any] | None:
        late = self._desk.late(tx_id)
        if late is not None:
            return {name: getattr(late, name) for name in SHOWN}
        with self._looks.held(key_id):
            return await asyncio.to_thread(self._lake.decision_by_tx, self._portfolio, tx_id)


def _shown(decision: dict[str, Any], details: bool) -> dict[str, Any]:
    return {name: decision[name] for name in SHOWN if details or name not in _DETAILS}


def _json(given: Given, details: bool) -> bytes:
    return answers.written(answers.seen_by(given, details))


def _answer(given: Given, details: bool) -> Response:
    return Response(_json(given, details), given.status, media_type=JSON)
