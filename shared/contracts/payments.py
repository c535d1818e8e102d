"""What comes in: transactions to decide, activities that feed state, labels that come late."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .bounds import (
    AmountMinor,
    Currency,
    Id,
    Latitude,
    Longitude,
    Numbers,
    ShortText,
    Texts,
    TimeMs,
    Version,
)

ENTITY_FIELDS = ("account_id", "card_id", "device_id", "merchant_id", "terminal_id", "payee_id")
"""Fields of the three input records that may name an entity."""


class Transaction(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A payment to decide. ``amount_minor`` is in minor units of ``currency``; times are UTC ms."""

    v: Version
    tx_id: Id
    account_id: Id
    event_time_ms: TimeMs
    amount_minor: AmountMinor
    currency: Currency
    card_id: Id | None = None
    device_id: Id | None = None
    merchant_id: Id | None = None
    terminal_id: Id | None = None
    payee_id: Id | None = None
    category: ShortText | None = None
    channel: ShortText | None = None
    country: ShortText | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    caller: ShortText = "unknown"
    gateway: ShortText = "direct"
    numbers: Numbers | None = None
    texts: Texts | None = None


class Activity(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Another event of an account (login, payee added, payment outcome): feeds state, gets no decision."""

    v: Version
    activity_id: Id
    account_id: Id
    event_time_ms: TimeMs
    kind: ShortText
    amount_minor: AmountMinor | None = None
    card_id: Id | None = None
    device_id: Id | None = None
    merchant_id: Id | None = None
    terminal_id: Id | None = None
    payee_id: Id | None = None
    tx_id: Id | None = None
    outcome: ShortText | None = None
    texts: Texts | None = None


class Label(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Fraud or genuine, with when it was known and from whom, and the entities of its payment.

    ``event_time_ms`` is the payment's; ``verdict`` "reversed" takes an earlier fraud back.
    """

    v: Version
    label_id: Id
    tx_id: Id
    account_id: Id
    event_time_ms: TimeMs
    known_at_ms: TimeMs
    verdict: Literal["fraud", "genuine", "reversed"]
    source: ShortText
    amount_minor: AmountMinor | None = None
    fraud_type: ShortText | None = None
    loss_minor: AmountMinor | None = None
    recovered_minor: AmountMinor | None = None
    card_id: Id | None = None
    device_id: Id | None = None
    merchant_id: Id | None = None
    terminal_id: Id | None = None
    payee_id: Id | None = None
