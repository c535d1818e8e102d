"""The records of the contracts as an application sends them: the version is left to the house.

Each is one of the contract's own records, so whatever makes those can send them too. Their bounds are checked
where they arrive. They are for HTTP: a topic wants the version written out.
"""

from __future__ import annotations

from shared.contracts import payments
from shared.contracts.bounds import Version


class Transaction(payments.Transaction, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A payment to decide. ``amount_minor`` is in minor units of ``currency``; times are UTC ms."""

    v: Version = 1


class Activity(payments.Activity, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Another event of an account, such as a login: feeds state, gets no decision."""

    v: Version = 1


class Label(payments.Label, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Fraud or genuine, with when it was known and from whom.

    Who knows only the payment's id sends a mapping: ``{"tx_id": ..., "verdict": "fraud", "source": ...}``.
    """

    v: Version = 1
