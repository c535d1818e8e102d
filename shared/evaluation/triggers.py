"""When a fraud account is noticed, at every threshold at once, and what money that saves."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from .payments import Integers, Labels, Payments, rows_at_or_after
from .steps import Levels, Steps, steps_of

Trigger = Literal["strict", "any_event", "every_event"]
"""Which events of a fraud account may notice it: its reported frauds; any event within its first and last
reported fraud; every event, also from before the first."""


class Records(NamedTuple):
    """Rows (m,) that are their account's highest so far: each is the trigger above the score of the last.

    ``last`` (m,): the account has no higher one after it.
    """

    rows: Integers
    last: Labels


def records_of(payments: Payments, levels: Levels, trigger: Trigger) -> Records:
    """The records among the events that ``trigger`` allows, in order of account and time."""
    count = len(levels.thresholds)
    height = np.where(_allowed(payments, trigger), count - levels.place, 0)
    base = payments.account * (count + 1)
    # An account's numbers lie above all of the account before, so one running maximum serves all of them.
    reached = np.maximum.accumulate(base + height) if len(base) else base
    before = np.append(-1, reached[:-1])
    rows = np.flatnonzero((height > 0) & (base + height > before))
    account = payments.account[rows]
    return Records(rows, np.append(account[1:] != account[:-1], True)[: len(rows)])


def detected(payments: Payments, levels: Levels, records: Records) -> Steps:
    """One for each fraud account, from its highest allowed score on."""
    rows = records.rows[records.last]
    return steps_of(levels.place[rows], payments.account[rows], np.ones(len(rows), np.int64))


def saved(payments: Payments, levels: Levels, records: Records, stopped: Integers) -> Steps:
    """Fraud money of each account at and after the row at which a trigger stops it.

    ``stopped`` (m,): that row for each record, at most the account's end.
    """
    rows, before = records.rows, payments.fraud_before_minor
    tail = before[payments.ends[payments.account[rows]]] - before[stopped]
    later = np.append(tail[1:], 0)[: len(tail)]
    return steps_of(levels.place[rows], payments.account[rows], tail - np.where(records.last, 0, later))


def stopped_at(payments: Payments, records: Records, delay_ms: int) -> Integers:
    """The first row at least ``delay_ms`` after each record; the record itself without a delay."""
    return np.maximum(records.rows, rows_at_or_after(payments, records.rows, delay_ms))


def _allowed(payments: Payments, trigger: Trigger) -> Labels:
    if trigger == "strict":
        return payments.fraud
    if trigger == "any_event":
        return payments.labelled
    return payments.fraud_account[payments.account]
