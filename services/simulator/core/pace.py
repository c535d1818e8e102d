"""How many payments a world makes by itself."""

from __future__ import annotations

from typing import Final

from .genuine.collection import COLLECTION
from .genuine.everyday import SPREE_SHARE
from .genuine.moving import MOVING
from .genuine.new_phone import NEW_PHONE
from .genuine.outings import LARGE_PURCHASE, NIGHT_OUT, TOP_UPS
from .genuine.standing import BILLS
from .patterns import account_takeover, card_testing, payment_scam, stolen_card
from .span import DAY_MS
from .world import World

_MONTH_DAYS: Final = 30


def natural_rate_per_s(world: World) -> float:
    """Payments per second (of an average day) that a world makes at pace 1."""
    habits = (1 + 1.5 * SPREE_SHARE) * world.card_rate.sum() + world.transfer_rate.sum()
    moves = (3 + MOVING.furniture) / world.flat_days + NEW_PHONE.pays_share / world.phone_days
    each = len(BILLS) / _MONTH_DAYS + _noise() + _frauds()
    return float(habits + moves.sum() + each * world.accounts) * 1000 / DAY_MS


def _noise() -> float:
    """Payments per account and day of the noise that keeps no clock."""
    return (
        LARGE_PURCHASE.per_account_day * (1 + LARGE_PURCHASE.more)
        + NIGHT_OUT.per_account_day * (NIGHT_OUT.least + NIGHT_OUT.more)
        + TOP_UPS.per_account_day * (TOP_UPS.least + TOP_UPS.more)
        + COLLECTION.per_account_day * (COLLECTION.least + COLLECTION.more)
    )


def _frauds() -> float:
    """Payments per account and day of the campaigns; compromised terminals add none."""
    stolen, tested = stolen_card.HOW, card_testing.HOW
    taken, talked = account_takeover.HOW, payment_scam.HOW
    return (
        stolen.per_account_day * (stolen.least + stolen.more)
        + tested.per_account_day * (2 * (tested.least + tested.more) + 1.5)
        + taken.per_account_day * (taken.least + taken.more)
        + talked.per_account_day * (talked.least + talked.more)
    )
