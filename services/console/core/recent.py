"""The newest decisions in memory, bounded, found by id and filtered as people ask."""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct

from shared.contracts.decisions import Answer, Decision, Flagged

T = TypeVar("T")

LATENCY_WINDOW_MS = 10_000
"""Live rates and times are those of decisions made in the last ten seconds."""


class TailFilter(Struct, frozen=True, kw_only=True):
    """What of the tail is wanted; an empty word wants everything. ``text`` is looked for in ids."""

    action: str = ""
    reason: str = ""
    caller: str = ""
    text: str = ""
    score_least: float | None = None

    def wants(self, decision: Decision) -> bool:
        """Whether ``decision`` is wanted; one without a score reached no least score."""
        if self.action and decision.action != self.action:
            return False
        if self.caller and decision.caller != self.caller:
            return False
        if self.reason and self.reason not in (*decision.reasons, *decision.flags):
            return False
        if self.score_least is not None and (decision.score or 0.0) < self.score_least:
            return False
        return not self.text or self.text in decision.tx_id or self.text in decision.account_id


class Recent:
    """At most ``limit`` decisions, and what belongs to them: answers and vectors."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decisions: OrderedDict[str, Decision] = OrderedDict()
        self._tx_ids: dict[str, str] = {}
        self._attempts: dict[str, int] = {}
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._vectors: OrderedDict[str, array[float]] = OrderedDict()
        self._flagged: OrderedDict[str, Decision] = OrderedDict()
        self._moments: deque[tuple[int, int]] = deque(maxlen=limit)

    def decided(self, decision: Decision) -> None:
        """A decision of the topic; the first of a payment stands, later ones are its repeats."""
        tx_id = decision.tx_id
        self._attempts[tx_id] = self._attempts.get(tx_id, 0) + 1
        if tx_id in self._decisions:
            return
        self._decisions[tx_id] = decision
        self._tx_ids[decision.decision_id] = tx_id
        self._moments.append((decision.decided_at_ms, decision.decided_at_ms - decision.ingest_time_ms))
        if len(self._decisions) > self._limit:
            gone, old = self._decisions.popitem(last=False)
            del self._tx_ids[old.decision_id], self._attempts[gone]

    def answered(self, answer: Answer) -> None:
        """What was given over HTTP."""
        _keep(self._answers, answer.tx_id, answer, self._limit)

    def flagged(self, record: Flagged) -> None:
        """A decision to look at, with its vector."""
        _keep(self._flagged, record.decision.tx_id, record.decision, self._limit)
        # A list of numbers takes five times the memory, and there are thousands.
        packed = array("d", (math.nan if value is None else value for value in record.features))
        _keep(self._vectors, record.decision.tx_id, packed, self._limit)

    def decision(self, any_id: str) -> Decision | None:
        """By tx_id or decision_id."""
        tx_id = self._tx_ids.get(any_id, any_id)
        return self._decisions.get(tx_id) or self._flagged.get(tx_id)

    def attempts(self, tx_id: str) -> int:
        """How often the payment's decision stood on the topic while we followed; 0 for one not seen."""
        return self._attempts.get(tx_id, 0)

    def answer(self, tx_id: str) -> Answer | None:
        """What was given over HTTP, if it was seen."""
        return self._answers.get(tx_id)

    def vector(self, tx_id: str) -> list[float | None] | None:
        """The flagged payment's features (d,), None for a missing value."""
        packed = self._vectors.get(tx_id)
        return None if packed is None else [None if math.isnan(value) else value for value in packed]

    def newest(self, wanted: TailFilter, limit: int) -> list[Decision]:
        """At most ``limit`` decisions that are wanted, newest first."""
        found: list[Decision] = []
        for decision in reversed(self._decisions.values()):
            if wanted.wants(decision):
                found.append(decision)
                if len(found) == limit:
                    break
        return found

    def cases(self) -> Iterator[Decision]:
        """Flagged decisions, newest first."""
        return reversed(self._flagged.values())

    def of_entity(self, own_id: str, limit: int) -> list[Decision]:
        """The newest decisions of an account."""
        return [d for d in reversed(self._decisions.values()) if d.account_id == own_id][:limit]

    def times_ms(self, now_ms: int) -> list[int]:
        """Received to decided of each decision in the last `LATENCY_WINDOW_MS`."""
        first_ms = now_ms - LATENCY_WINDOW_MS
        return [took_ms for decided_at_ms, took_ms in self._moments if decided_at_ms >= first_ms]

    def callers(self) -> list[str]:
        """Who sent the newest decisions' payments."""
        return sorted({decision.caller for decision in self._decisions.values()})

    def __len__(self) -> int:
        return len(self._decisions)


def _keep(kept: OrderedDict[str, T], key: str, value: T, limit: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > limit:
        kept.popitem(last=False)
