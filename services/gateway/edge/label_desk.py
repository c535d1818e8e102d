"""Labels that name a payment by its id alone: parked, completed from the lake, or given up after a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from mode import Service

from services.gateway.core.parked import Parked, completed, is_given_up
from services.gateway.core.refusal import Refused
from shared.bus.dead_letters import dead_letter
from shared.bus.loader import Partitions
from shared.bus.ports import LogAway, Outgoing, Taken
from shared.contracts.card_numbers import CardKey
from shared.contracts.codec import encode
from shared.contracts.outcome import Dead
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.logs import get_logger
from shared.stores.database import DatabaseAway
from shared.stores.lake_away import LakeAway

from .parked_labels import ParkedLabels
from .publisher import Publisher
from .spread import Spread

log = get_logger("gateway.labels")

LOOK_S: Final = 2.0
TAKEN_AT_ONCE: Final = 1_000
OVER_HTTP: Final = "came over HTTP and was never on the topic"


class Payments(Protocol):
    """Payments that the lake has."""

    def transactions_by_tx(self, portfolio: str, tx_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of ``tx_ids`` that are known. Blocks. Raises LakeAway."""
        ...


class LabelDesk(Service):
    """Looks every two seconds for parked labels that are due."""

    def __init__(
        self,
        parked: ParkedLabels,
        payments: Payments,
        publisher: Publisher,
        partitions: Partitions,
        portfolio: str,
        topics: tuple[str, str],
        cards: CardKey,
        clock: Clock,
        health: Health,
        **kwargs: Any,
    ) -> None:
        """``topics``: those of labels and of dead letters on the broker."""
        super().__init__(**kwargs)
        self._parked = parked
        self._payments = payments
        self._publisher = publisher
        self._partitions = partitions
        self._portfolio = portfolio
        self._topic, self._dead_topic = topics
        self._cards = cards
        self._clock = clock
        self._health = health

    async def park(self, labels: Sequence[Parked]) -> None:
        """Keep ``labels`` until their payments are known. Raises DatabaseAway."""
        if labels:
            await asyncio.to_thread(self._parked.add, labels)

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_S)
            try:
                await self.look()
            except (DatabaseAway, LakeAway, LogAway) as error:
                # They stay parked, and each is due again by itself.
                self._health.note("labels", type(error).__name__)

    async def look(self) -> None:
        """Send what can be completed now. Raises DatabaseAway, LakeAway, LogAway; then nothing is lost."""
        while taken := await asyncio.to_thread(self._parked.take, self._clock.now_ms(), TAKEN_AT_ONCE):
            ids = sorted({label.tx_id for label in taken})
            found = await asyncio.to_thread(self._payments.transactions_by_tx, self._portfolio, ids)
            await self._settle(taken, {row["tx_id"]: row for row in found})

    async def _settle(self, taken: list[Parked], payments: dict[str, dict[str, Any]]) -> None:
        now_ms = self._clock.now_ms()
        spread, settled, dead = Spread(self._partitions), 0, dict[str, Dead]()
        for label in taken:
            fault = self._complete(label, payments.get(label.tx_id), now_ms, spread)
            if fault is not None:
                dead[label.label_id] = fault
                spread.add(self._dead_topic, label.tx_id.encode(), self._letter(label, fault, now_ms))
            elif label.tx_id in payments:
                settled += 1
        await self._publisher.publish_each(spread.places)
        done = [label.label_id for label in taken if label.tx_id in payments or label.label_id in dead]
        if done:
            await asyncio.to_thread(self._parked.drop, done)
            log.info("labels_settled", count=settled)
        for reason in {fault.reason for fault in dead.values()}:
            count = sum(fault.reason == reason for fault in dead.values())
            log.warning("labels_given_up", count=count, reason=reason)

    def _complete(
        self, label: Parked, payment: dict[str, Any] | None, now_ms: int, spread: Spread
    ) -> Dead | None:
        """Add what can be sent of a label; why it never can be, or None."""
        if payment is None:
            return Dead("label_unknown_tx", "tx_id") if is_given_up(label, now_ms) else None
        try:
            record = completed(label, payment)
        except Refused as refused:
            return Dead(refused.code, refused.field)
        account = record.account_id.encode()
        spread.add(self._topic, account, Outgoing(account, encode(record)))
        return None

    def _letter(self, label: Parked, dead: Dead, now_ms: int) -> Outgoing:
        message = Taken(self._topic, 0, 0, label.parked_at_ms, None, label.body)
        return dead_letter(message, dead, "gateway", 1, now_ms, self._cards, OVER_HTTP)
