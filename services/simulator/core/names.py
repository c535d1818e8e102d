"""What the positions of a world are called outside. No name tells whether fraud stands behind it."""

from __future__ import annotations

from typing import Final

import numpy as np

from .chance import Flags, Integers
from .columns import NONE, Payments
from .world import World

GATEWAY: Final = "simulator"
SOURCE: Final = "simulator"

CHANNELS: Final = ("pos", "online", "transfer")
CALLERS: Final = ("acquirer", "checkout", "mobile_app", "standing_orders")
"""Which application asks: for a sale at a till, one online, a transfer by hand, a transfer by order."""
STANDING_ORDERS: Final = 3

DEVICE_PREFIX, DEVICE_SALT = "dev-", 0xD6E8FEB86659FD93
PAYEE_PREFIX, PAYEE_SALT = "payee-", 0xA0761D6478BD642F
MIX_START: Final = 0x9E3779B97F4A7C15
MIX_STEPS: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
"""Shift and factor of each round of splitmix64's finaliser (Steele, Lea, Flood 2014)."""
NUMBER_DIGITS: Final = 6

_MASK: Final = (1 << 64) - 1


def account_id(account: int) -> str:
    """An account's id."""
    return f"acc-{account:06d}"


def card_id(account: int, card: int) -> str:
    """The id of an account's first or second card."""
    return f"card-{account:06d}-{card + 1}"


def merchant_id(merchant: int) -> str:
    """A merchant's id."""
    return f"mer-{merchant:04d}"


def terminal_id(terminal: int) -> str:
    """A terminal's id."""
    return f"ter-{terminal:05d}"


def device_id(code: int) -> str:
    """A device's id."""
    return f"{DEVICE_PREFIX}{_scrambled(code, DEVICE_SALT):012x}"


def payee_id(code: int) -> str:
    """A payee's id, whoever it is."""
    return f"{PAYEE_PREFIX}{_scrambled(code, PAYEE_SALT):012x}"


def past_tx_prefix(day: int) -> str:
    """How ids of a past day's payments begin; the place in the day follows."""
    return f"tx-{day:05d}-"


def past_activity_prefix(day: int) -> str:
    """How ids of a past day's activities begin; the place in the day follows."""
    return f"act-{day:05d}-"


def live_tx_id(start_ms: int, number: int) -> str:
    """The id of a payment of a live run that began at ``start_ms``.

    A letter before the number: behind a dash the last digits of the start and the number would be one run of
    digits, which for some starts is a card number one time in ten.
    """
    return f"tx-l{start_ms:x}n{number:08d}"


def live_activity_id(start_ms: int, number: int) -> str:
    """The id of an activity of a live run that began at ``start_ms``; as that of a payment."""
    return f"act-l{start_ms:x}n{number:08d}"


def channels(world: World, payments: Payments) -> Integers:
    """The positions (n,) in `CHANNELS`."""
    merchant = world.merchant_of[payments.terminal]
    channel: Integers = world.online[merchant].astype("int64")
    channel[is_transfer(payments)] = 2
    return channel


def callers(channel: Integers, payments: Payments) -> Integers:
    """The positions (n,) in `CALLERS`; a transfer without a device is a standing order."""
    caller = channel.copy()
    caller[is_transfer(payments) & (payments.device == NONE)] = STANDING_ORDERS
    return caller


def is_transfer(payments: Payments) -> Flags:
    """Which payments (n,) are transfers."""
    return np.equal(payments.terminal, NONE)


def _scrambled(code: int, salt: int) -> int:
    """48 bits that follow from a code and do not show it."""
    mixed = (code * MIX_START + salt) & _MASK
    for shift, factor in MIX_STEPS:
        mixed = ((mixed ^ (mixed >> shift)) * factor) & _MASK
    return (mixed ^ (mixed >> 31)) >> 16
