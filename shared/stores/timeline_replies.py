"""What Redis' error replies mean to the timeline store."""

from __future__ import annotations

import re
from typing import Final

from .timeline_port import EpochChanged, StateLost, StoreAway, StoreError, StoreFull, StoreRefused

_OURS: Final = re.compile(r"(STATELOST|EPOCHCHANGED) (\d+)(?: ([01]))?")
_FULL: Final = ("OOM ", "MISCONF ", "READONLY ")
_AWAY: Final = (
    *("NOSCRIPT", "LOADING", "BUSY", "MASTERDOWN", "UNKILLABLE"),
    # Slots move, or a node is gone: look again where they are.
    *("MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN"),
)


def explain(text: str, keys: list[bytes] | None = None) -> StoreError:
    """What an error reply means. Redis 6.2 wraps a script's error in its own text, so look inside."""
    if ours := _OURS.search(text):
        word, value, frozen = ours.groups()
        if word == "EPOCHCHANGED":
            return EpochChanged(int(value), frozen == "1")
        log = int(value)
        return StateLost(keys[log - 1] if log and keys else b"")
    if any(word in text for word in _FULL):
        return StoreFull(text)
    if text.startswith(_AWAY):
        return StoreAway(text, maybe_applied=True)
    return StoreRefused(text)
