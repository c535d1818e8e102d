"""What the screens and the API ask and do: one method each, typed records out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from services.console.core import cases, lineage
from services.console.core.counted import History, history, span_of
from services.console.core.pulse import make_pulse
from services.console.core.recent import TailFilter
from services.console.core.refusal import Refused
from services.console.core.views import (
    AlertsView,
    DecisionView,
    Found,
    HealthView,
    OverviewView,
    Pulse,
    QueueView,
    TailView,
    tail_row,
)
from shared.contracts.codec import DecodeError, decode_transaction
from shared.contracts.decisions import Decision
from shared.contracts.payments import Transaction
from shared.features.compiled import FeatureSet
from shared.runtime.clock import Clock
from shared.stores.audit_writer import Audit

from .case_book import CaseBook
from .held import Held
from .lake_story import Stories, Story
from .monitor_tables import MonitorTables
from .uploads import SendLabels

TAIL_ROWS: Final = 100
ENTITY_ROWS: Final = 50
FRESH_MS: Final = 4_000
"""How long a counted range is given again: many who look cost one query."""


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works with. ``send_labels`` blocks until the broker has confirmed; raises LogAway."""

    portfolio: str
    held: Held
    tables: MonitorTables
    stories: Stories
    book: CaseBook
    audit: Audit
    send_labels: SendLabels
    features: Callable[[], FeatureSet]
    clock: Clock


class Desk:
    """Every method may raise DatabaseAway, LakeAway or KafkaAway where it asks there."""

    def __init__(self, parts: DeskParts) -> None:
        self._parts = parts
        self._seq = 0
        self._cases_open = 0
        self._histories: dict[str, tuple[int, History | None]] = {}
        self._counting = asyncio.Lock()

    def pulse(self) -> Pulse:
        """The live numbers of this second."""
        held, now_ms = self._parts.held, self._parts.clock.now_ms()
        self._seq += 1
        return make_pulse(
            self._seq,
            now_ms,
            held.recent,
            held.statuses,
            heard_at_ms=held.heard_at_ms,
            is_log_away=held.is_log_away(now_ms),
            alerts_firing=held.alerts_firing(),
            cases_open=self._cases_open,
        )

    async def overview(self, word: str, pulse: Pulse) -> OverviewView:
        """Now, and the range ``word``. Raises Refused (`query_value`)."""
        return OverviewView(
            portfolio=self._parts.portfolio,
            range=word,
            pulse=pulse,
            history=await self._history(word),
            alerts=self._parts.held.alerts_now()[:5],
        )

    async def _history(self, word: str) -> History | None:
        now_ms = self._parts.clock.now_ms()
        try:
            span = span_of(word, now_ms)
        except KeyError as error:
            raise Refused("query_value", "range") from error
        async with self._counting:
            known = self._histories.get(word)
            if known is None or now_ms - known[0] >= FRESH_MS:
                counted = await asyncio.to_thread(self._parts.tables.counted, span[0], span[1])
                known = (now_ms, None if counted is None else history(counted, span))
                self._histories[word] = known
        return known[1]

    def tail(self, wanted: TailFilter) -> TailView:
        """The newest decisions that are wanted."""
        recent = self._parts.held.recent
        return TailView(
            at_ms=self._parts.clock.now_ms(),
            rows=[tail_row(decision) for decision in recent.newest(wanted, TAIL_ROWS)],
            kept=len(recent),
            callers=recent.callers(),
        )

    async def decision(self, any_id: str) -> DecisionView:
        """The lineage, by tx_id or decision_id. Raises Refused (`decision_unknown`)."""
        held = self._parts.held.recent
        seen = held.decision(any_id)
        story = await asyncio.to_thread(self._parts.stories.story, seen.tx_id if seen else any_id)
        decision = seen or story.decision
        if decision is None:
            raise Refused("decision_unknown")
        tx_id = decision.tx_id
        features = await asyncio.to_thread(self._parts.features)
        vector = story.vector or held.vector(tx_id)
        return DecisionView(
            source="memory" if seen else "lake",
            decision=decision,
            input=lineage.masked_input(story.raw) if story.raw else None,
            features=lineage.feature_values(features, vector) if vector else [],
            entities=lineage.entity_versions(features, decision.entity_versions),
            attempts=max(held.attempts(tx_id), story.attempts, 1),
            answer=held.answer(tx_id),
            label=story.label,
        )

    async def find(self, any_id: str) -> Found:
        """What an id names. Raises Refused (`decision_unknown`)."""
        recent = self._parts.held.recent
        seen = recent.decision(any_id)
        if seen is not None:
            return Found(tx_id=seen.tx_id, rows=[])
        rows = recent.of_entity(any_id, ENTITY_ROWS)
        if rows:
            return Found(tx_id=None, rows=[tail_row(decision) for decision in rows])
        story = await asyncio.to_thread(self._parts.stories.story, any_id)
        if story.decision is None:
            raise Refused("decision_unknown")
        return Found(tx_id=story.decision.tx_id, rows=[])

    def alerts(self) -> AlertsView:
        """The last word on each rule."""
        return AlertsView(alerts=self._parts.held.alerts_now())

    def health(self) -> HealthView:
        """Every service, and what is wrong."""
        now_ms, held = self._parts.clock.now_ms(), self._parts.held
        return HealthView(
            at_ms=now_ms,
            services=held.statuses.services(now_ms),
            troubles=held.statuses.troubles(now_ms, is_log_away=held.is_log_away(now_ms)),
        )

    async def queue(self) -> QueueView:
        """Open cases, most at risk first."""
        flagged = list(self._parts.held.recent.cases())
        view = await asyncio.to_thread(self._queue, flagged)
        self._cases_open = view.open
        return view

    def _queue(self, flagged: Sequence[Decision]) -> QueueView:
        parts = self._parts
        claims = parts.book.claims(cases.claimed_from_ms(flagged))
        worst, is_open = cases.queue(flagged, claims)
        return QueueView(at_ms=parts.clock.now_ms(), cases=worst, open=is_open, decided=parts.book.decided())

    async def claim(self, tx_id: str, name: str) -> None:
        """Take a case. Raises Refused."""
        self._flagged(tx_id)
        await asyncio.to_thread(self._parts.book.claim, tx_id, name, self._parts.clock.now_ms())

    async def give_back(self, tx_id: str, name: str) -> None:
        """Let others take it. Raises Refused."""
        await asyncio.to_thread(self._parts.book.give_back, tx_id, name)

    async def judge(self, tx_id: str, name: str, given: str, note: str, request_id: str) -> None:
        """A verdict: audited, then a label, then the case is closed. Raises Refused, LogAway.

        Killed in between, the case is still open and the verdict is given again: its label has the same id.
        """
        word = cases.verdict_word(given)
        decision = self._flagged(tx_id)
        await asyncio.to_thread(self._judge, decision, name, word, note, request_id)

    def _judge(
        self, decision: Decision, name: str, word: cases.VerdictWord, note: str, request_id: str
    ) -> None:
        parts, tx_id = self._parts, decision.tx_id
        parts.book.require(tx_id, name)
        now_ms = parts.clock.now_ms()
        label = cases.label(decision, _payment(parts.stories.story(tx_id)), word, now_ms)
        enter = partial(
            parts.audit.write, name, "verdict", tx_id, note or "reviewed", after=word, request_id=request_id
        )
        enter(result="intended")
        parts.send_labels([label])
        parts.book.decide(tx_id, name, word, now_ms)
        enter(result="done")

    def _flagged(self, tx_id: str) -> Decision:
        decision = self._parts.held.recent.decision(tx_id)
        if decision is None or decision.action not in cases.LOOKED_AT:
            raise Refused("decision_unknown")
        return decision


def _payment(story: Story) -> Transaction | None:
    """The payment as received; None where the lake has not got it, or its bytes are no record."""
    if story.raw is None:
        return None
    try:
        return decode_transaction(story.raw)
    except DecodeError:
        return None
