"""Payments by account and time, with what their labels make of each account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Numbers = NDArray[Any]
"""Integers where rows are counted as they are, reals where accounts weigh otherwise than one."""


@dataclass(frozen=True, slots=True)
class Payments:
    """n payments of A accounts, sorted by account and time; equal times keep the order they were given in.

    ``account`` (n,) ascending numbers 0 .. A - 1; ``starts`` (A,) first row of each; ``order`` (n,) where
    each row stood in what was given. ``fraud_account`` and ``genuine_account`` (A,): accounts with a reported
    fraud, and accounts that were never reported; the rest is neither. ``labelled`` (n,): rows within their
    account's first and last reported fraud.
    """

    account: Integers
    event_ms: Integers
    amount_minor: Integers
    fraud: Labels
    order: Integers
    starts: Integers
    fraud_account: Labels
    genuine_account: Labels
    labelled: Labels

    @property
    def accounts(self) -> int:
        """A."""
        return len(self.starts)

    @property
    def ends(self) -> Integers:
        """(A,) the row after the last of each account."""
        return np.append(self.starts[1:], len(self.account))

    @property
    def fraud_before_minor(self) -> Integers:
        """(n + 1,) fraud money of all rows before each row, of whatever account."""
        return np.append(0, np.cumsum(np.where(self.fraud, self.amount_minor, 0)))

    def scores(self, given: Numbers) -> Reals:
        """Scores (n,) as given, in the order here. Raises ValueError for a NaN or a length that is not n."""
        if given.shape != self.order.shape or np.isnan(given).any():
            raise ValueError(f"scores {given.shape} must be {self.order.shape} and numbers")
        return given[self.order].astype(np.float64)


def payments_of(
    accounts: Numbers,
    event_ms: Integers,
    amount_minor: Integers,
    fraud: Labels,
    reported: Labels | None = None,
) -> Payments:
    """Payments of rows (n,): accounts (numbers or ids), UTC ms, minor units of one currency, fraud labels.

    ``reported`` (n,) marks rows of accounts with a fraud reported outside these rows: such an account is not
    genuine. Raises ValueError for lengths that differ and for amounts that are no integers.
    """
    if not accounts.shape == event_ms.shape == amount_minor.shape == fraud.shape or accounts.ndim != 1:
        raise ValueError("accounts, times, amounts and labels must have one length")
    if amount_minor.dtype.kind not in "iu":
        raise ValueError("money is whole minor units")
    names, place = np.unique(accounts, return_inverse=True)
    order = np.lexsort((event_ms, place)).astype(np.int64)
    account, fraud, event_ms = place[order].astype(np.int64), fraud[order].astype(np.bool_), event_ms[order]
    starts = np.searchsorted(account, np.arange(len(names))).astype(np.int64)
    fraud_account = _any_of(account, fraud, len(names))
    known = _any_of(
        account, np.zeros(len(order), np.bool_) if reported is None else reported[order], len(names)
    )
    return Payments(
        account=account,
        event_ms=event_ms.astype(np.int64),
        amount_minor=amount_minor[order].astype(np.int64),
        fraud=fraud,
        order=order,
        starts=starts,
        fraud_account=fraud_account,
        genuine_account=~fraud_account & ~known,
        labelled=_labelled(account, event_ms, fraud, len(names)),
    )


def rows_at_or_after(payments: Payments, rows: Integers, wait_ms: int) -> Integers:
    """For each of ``rows`` (m,) the first row of its account at least ``wait_ms`` later, else the end."""
    keys, span = _keys(payments)
    account = payments.account[rows]
    # What lies past the account's last time must not run into the next account's keys.
    wanted = np.minimum(keys[rows] + wait_ms, (account + 1) * span)
    found = np.searchsorted(keys, wanted, side="left")
    return np.minimum(found, payments.ends[account]).astype(np.int64)


def rows_at_or_before(payments: Payments, rows: Integers, wait_ms: int) -> Integers:
    """For each of ``rows`` (m,) the last row of its account at least ``wait_ms`` earlier, else -1."""
    keys, _ = _keys(payments)
    found = np.searchsorted(keys, keys[rows] - wait_ms, side="right") - 1
    return np.where(found >= payments.starts[payments.account[rows]], found, -1).astype(np.int64)


def _keys(payments: Payments) -> tuple[Integers, int]:
    """(n,) numbers that ascend by account and time, and how far two accounts are apart."""
    if not len(payments.event_ms):
        return payments.event_ms, 1
    since = payments.event_ms - payments.event_ms.min()
    span = int(since.max()) + 1
    if span * payments.accounts >= 2**62:
        raise ValueError("too many accounts over too long a time")
    return payments.account * span + since, span


def _any_of(account: Integers, marked: Labels, accounts: int) -> Labels:
    """(A,) whether any row of the account is marked."""
    return np.bincount(account[marked], minlength=accounts) > 0


def _labelled(account: Integers, event_ms: Integers, fraud: Labels, accounts: int) -> Labels:
    """(n,) rows within the first and last fraud of their account, both included."""
    first = np.full(accounts, np.iinfo(np.int64).max)
    last = np.full(accounts, np.iinfo(np.int64).min)
    np.minimum.at(first, account[fraud], event_ms[fraud])
    np.maximum.at(last, account[fraud], event_ms[fraud])
    return (event_ms >= first[account]) & (event_ms <= last[account])
