"""Addresses that come without a good key: each may try a few times, then it waits."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from services.gateway.core.rates import MICROS, Rate, rate, take
from services.gateway.core.refusal import Refused

TRIES: Final[Rate] = rate(1.0, 20)
KEPT: Final = 10_000


class Strangers:
    """One arrival time per address, the oldest forgotten first. Good keys are never slowed down by it."""

    def __init__(self) -> None:
        self._arrivals_us: OrderedDict[str, int] = OrderedDict()

    def count(self, address: str) -> None:
        """``address`` came without a good key. Raises Refused (`rate_limited`) when it did so too often."""
        taken = take(self._arrivals_us.pop(address, 0), _now_us(), 1, TRIES)
        self._arrivals_us[address] = taken.arrival_us
        if len(self._arrivals_us) > KEPT:
            self._arrivals_us.popitem(last=False)
        if taken.wait_us:
            raise Refused("rate_limited", retry_after_s=taken.wait_us / MICROS)


def _now_us() -> int:
    return time.monotonic_ns() // 1_000
