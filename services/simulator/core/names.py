"""What the positions of a world are called outside."""

from __future__ import annotations

from typing import Final

from .world import CATEGORIES, World

COUNTRY: Final = "FR"
GATEWAY: Final = "simulator"
SOURCE: Final = "simulator"


def account_id(account: int) -> str:
    """An account's id."""
    return f"acc-{account:06d}"


def card_id(account: int) -> str:
    """The id of an account's one card."""
    return f"card-{account:06d}"


def merchant_id(merchant: int) -> str:
    """A merchant's id."""
    return f"mer-{merchant:04d}"


def terminal_id(terminal: int) -> str:
    """A terminal's id."""
    return f"ter-{terminal:05d}"


def past_tx_id(day: int, number: int) -> str:
    """The id of a payment of the past: its day and its place in it."""
    return f"tx-{day:05d}-{number:06d}"


def live_tx_id(start_ms: int, number: int) -> str:
    """The id of a payment of a live run that began at ``start_ms``."""
    return f"tx-l{start_ms:x}-{number:08d}"


def channel(world: World, terminal: int) -> str:
    """How one pays there: "online" or "pos"."""
    online = CATEGORIES[int(world.category[world.merchant_of[terminal]])].online
    return "online" if online else "pos"


CALLERS: Final = {"online": "checkout", "pos": "acquirer"}
"""Which application asks for the decision, by channel."""
