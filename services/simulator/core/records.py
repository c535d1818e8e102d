"""Live payments, activities and labels as the records of the contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.contracts.payments import Activity, Label, Transaction

from . import names
from .columns import ACTIVITY_KINDS, NONE, PATTERNS, Payments
from .live import DueLabel, NumberedActivities, NumberedPayments
from .world import CATEGORIES, COUNTRIES, World


class Records:
    """Makes records of one live run; ids carry the run's start."""

    def __init__(self, world: World, start_ms: int, currency: str) -> None:
        self._world = world
        self._start_ms = start_ms
        self._currency = currency

    def transactions(self, due: NumberedPayments) -> Iterator[Transaction]:
        """One record per payment, in order."""
        payments = due.payments
        channel = names.channels(self._world, payments)
        caller = names.callers(channel, payments)
        columns = (due.number, payments.time_ms, payments.amount_minor, payments.country, channel, caller)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for i, (number, time_ms, amount, country, sort, asks) in enumerate(rows):
            yield Transaction(
                v=1,
                tx_id=names.live_tx_id(self._start_ms, number),
                event_time_ms=time_ms,
                amount_minor=amount,
                currency=self._currency,
                category=self._category(int(payments.terminal[i])),
                channel=names.CHANNELS[sort],
                country=COUNTRIES[country].code,
                caller=names.CALLERS[asks],
                gateway=names.GATEWAY,
                **self._entities(payments, i),
            )

    def activities(self, due: NumberedActivities) -> Iterator[Activity]:
        """One record per activity, in order."""
        columns = (due.number, *due.activities)
        for number, time_ms, account, kind, device, payee in zip(*(c.tolist() for c in columns), strict=True):
            yield Activity(
                v=1,
                activity_id=names.live_activity_id(self._start_ms, number),
                account_id=names.account_id(account),
                event_time_ms=time_ms,
                kind=ACTIVITY_KINDS[kind],
                device_id=None if device == NONE else names.device_id(device),
                payee_id=None if payee == NONE else names.payee_id(payee),
            )

    def label(self, due: DueLabel) -> Label:
        """The record of a label that is due."""
        tx_id = names.live_tx_id(self._start_ms, due.number)
        row = due.payment
        return Label(
            v=1,
            label_id=f"{tx_id}-{due.verdict}",
            tx_id=tx_id,
            event_time_ms=int(row.time_ms[0]),
            known_at_ms=due.known_ms,
            verdict=due.verdict,  # type: ignore[arg-type]  # one of the three by construction
            source=names.SOURCE,
            amount_minor=int(row.amount_minor[0]),
            fraud_type=PATTERNS[int(row.pattern[0])] or None,
            **self._entities(row, 0),
        )

    def _category(self, terminal: int) -> str | None:
        if terminal == NONE:
            return None
        return CATEGORIES[int(self._world.category[self._world.merchant_of[terminal]])].name

    def _entities(self, payments: Payments, i: int) -> dict[str, Any]:
        """The ids that a payment has."""
        account, terminal = int(payments.account[i]), int(payments.terminal[i])
        device, payee = int(payments.device[i]), int(payments.payee[i])
        ids = {"account_id": names.account_id(account)}
        if terminal != NONE:
            ids["card_id"] = names.card_id(account, int(payments.card[i]))
            ids["merchant_id"] = names.merchant_id(int(self._world.merchant_of[terminal]))
            ids["terminal_id"] = names.terminal_id(terminal)
        if device != NONE:
            ids["device_id"] = names.device_id(device)
        if payee != NONE:
            ids["payee_id"] = names.payee_id(payee)
        return ids
