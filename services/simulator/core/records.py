"""Live payments and labels as the records of the contracts."""

from __future__ import annotations

from collections.abc import Iterator

from shared.contracts.payments import Label, Transaction

from . import names
from .live import DueLabel, Numbered
from .payments import PATTERNS
from .world import CATEGORIES, World


class Records:
    """Makes records of one live run; ids carry the run's start."""

    def __init__(self, world: World, start_ms: int, currency: str) -> None:
        self._world = world
        self._start_ms = start_ms
        self._currency = currency

    def transactions(self, due: Numbered) -> Iterator[Transaction]:
        """One record per payment, in order."""
        payments = due.payments
        columns = (due.number, payments.time_ms, payments.account, payments.terminal, payments.amount_minor)
        for number, time_ms, account, terminal, amount in zip(*(c.tolist() for c in columns), strict=True):
            merchant = int(self._world.merchant_of[terminal])
            channel = names.channel(self._world, terminal)
            yield Transaction(
                v=1,
                tx_id=names.live_tx_id(self._start_ms, number),
                account_id=names.account_id(account),
                event_time_ms=time_ms,
                amount_minor=amount,
                currency=self._currency,
                card_id=names.card_id(account),
                merchant_id=names.merchant_id(merchant),
                terminal_id=names.terminal_id(terminal),
                category=CATEGORIES[int(self._world.category[merchant])].name,
                channel=channel,
                country=names.COUNTRY,
                caller=names.CALLERS[channel],
                gateway=names.GATEWAY,
            )

    def label(self, due: DueLabel) -> Label:
        """The record of a label that is due."""
        tx_id = names.live_tx_id(self._start_ms, due.number)
        row = due.payment
        account, terminal = int(row.account[0]), int(row.terminal[0])
        return Label(
            v=1,
            label_id=f"{tx_id}-{due.verdict}",
            tx_id=tx_id,
            account_id=names.account_id(account),
            event_time_ms=int(row.time_ms[0]),
            known_at_ms=due.known_ms,
            verdict=due.verdict,  # type: ignore[arg-type]  # one of the three by construction
            source=names.SOURCE,
            amount_minor=int(row.amount_minor[0]),
            fraud_type=PATTERNS[int(row.pattern[0])] or None,
            card_id=names.card_id(account),
            merchant_id=names.merchant_id(int(self._world.merchant_of[terminal])),
            terminal_id=names.terminal_id(terminal),
        )
