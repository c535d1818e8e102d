"""What happens, as columns: payments and activities, positions in the world, times in UTC ms."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .chance import Flags, Integers

NONE: Final = -1

GENUINE: Final = 0
STOLEN_CARD: Final = 1
COMPROMISED_TERMINAL: Final = 2
CARD_TESTING: Final = 3
ACCOUNT_TAKEOVER: Final = 4
PAYMENT_SCAM: Final = 5
PATTERNS: Final = (
    "",
    "stolen_card",
    "compromised_terminal",
    "card_testing",
    "account_takeover",
    "payment_scam",
)
"""Names of the truth by code; it leaves the simulator in labels alone."""

LOGIN: Final = 0
LOGIN_FAILED: Final = 1
PASSWORD_CHANGED: Final = 2
PAYEE_ADDED: Final = 3
LIMIT_RAISED: Final = 4
DEVICE_REGISTERED: Final = 5
SIM_CHANGED: Final = 6
ACTIVITY_KINDS: Final = (
    "login",
    "login_failed",
    "password_changed",
    "payee_added",
    "limit_raised",
    "device_registered",
    "sim_changed",
)


class Payments(NamedTuple):
    """n payments as columns (n,). A transfer has a payee and no card and terminal; `NONE` is no such thing.

    ``card`` counts an account's cards, ``country`` is a position of `world.COUNTRIES`, ``pattern`` the
    truth.
    """

    time_ms: Integers
    account: Integers
    card: Integers
    terminal: Integers
    payee: Integers
    device: Integers
    country: Integers
    amount_minor: Integers
    pattern: Integers

    def at(self, index: Integers | Flags) -> Payments:
        """The rows of ``index``, positions or a mask."""
        return Payments(*(column[index] for column in self))

    def sorted(self) -> Payments:
        """The rows in event-time order; of equal times the lower account first, whoever pays."""
        return self.at(np.lexsort((self.amount_minor, self.account, self.time_ms)))


class Activities(NamedTuple):
    """n activities as columns (n,); ``kind`` is a position of `ACTIVITY_KINDS`."""

    time_ms: Integers
    account: Integers
    kind: Integers
    device: Integers
    payee: Integers

    def at(self, index: Integers | Flags) -> Activities:
        """The rows of ``index``, positions or a mask."""
        return Activities(*(column[index] for column in self))

    def sorted(self) -> Activities:
        """The rows in event-time order; of equal times the lower account first."""
        return self.at(np.lexsort((self.kind, self.account, self.time_ms)))


class Events(NamedTuple):
    """Payments and activities of one stretch of time."""

    payments: Payments
    activities: Activities

    def between(self, from_ms: int, to_ms: int) -> Events:
        """What happens at from_ms <= time < to_ms."""
        payments, activities = self
        return Events(
            payments.at((payments.time_ms >= from_ms) & (payments.time_ms < to_ms)),
            activities.at((activities.time_ms >= from_ms) & (activities.time_ms < to_ms)),
        )

    def sorted(self) -> Events:
        """Both in event-time order."""
        return Events(self.payments.sorted(), self.activities.sorted())


def no_payments() -> Payments:
    """No payments."""
    return Payments(*(np.empty(0, np.int64) for _ in Payments._fields))


def no_activities() -> Activities:
    """No activities."""
    return Activities(*(np.empty(0, np.int64) for _ in Activities._fields))


def no_events() -> Events:
    """Nothing."""
    return Events(no_payments(), no_activities())


def join_payments(parts: list[Payments]) -> Payments:
    """The rows of all parts, one after the other."""
    return Payments(*(np.concatenate(c) for c in zip(no_payments(), *parts, strict=True)))


def join_activities(parts: list[Activities]) -> Activities:
    """The rows of all parts, one after the other."""
    return Activities(*(np.concatenate(c) for c in zip(no_activities(), *parts, strict=True)))


def join(parts: list[Events]) -> Events:
    """All of all parts."""
    return Events(
        join_payments([part.payments for part in parts]), join_activities([part.activities for part in parts])
    )


def activities(
    kind: int, time_ms: Integers, account: Integers, device: Integers, payee: Integers | None = None
) -> Activities:
    """Activities of one kind; without a payee by default."""
    n = len(time_ms)
    nobody = np.full(n, NONE, np.int64)
    return Activities(
        time_ms, account, np.full(n, kind, np.int64), device, nobody if payee is None else payee
    )
