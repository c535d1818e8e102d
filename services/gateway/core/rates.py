"""A key's rate: one theoretical arrival time per key (GCRA), taken in debt.

A request of n items is admitted while the key is at most ``burst_us`` ahead of its rate, whatever n is, and
moves the key n steps ahead. So a body of many items needs no burst as large as itself, and the rate in the
long run is the key's, exactly. Source: ITU-T I.371, virtual scheduling; cost taken after admission.
"""

from __future__ import annotations

from typing import NamedTuple

MICROS: int = 1_000_000


class Rate(NamedTuple):
    """Microseconds from one item to the next, and how far ahead a key may be when it asks."""

    step_us: int
    burst_us: int


class Taken(NamedTuple):
    """The key's arrival time afterwards, and how long to wait: 0 where the request is admitted."""

    arrival_us: int
    wait_us: int


def rate(per_s: float, burst: int) -> Rate:
    """The rate of ``per_s`` items a second, ``burst`` of them at once."""
    step_us = max(1, round(MICROS / per_s))
    return Rate(step_us, step_us * max(0, burst - 1))


def take(arrival_us: int, now_us: int, items: int, limit: Rate) -> Taken:
    """Take ``items`` at ``now_us`` of a key whose theoretical arrival time is ``arrival_us``."""
    ahead_us = arrival_us - now_us
    if ahead_us > limit.burst_us:
        return Taken(arrival_us, ahead_us - limit.burst_us)
    return Taken(max(arrival_us, now_us) + items * limit.step_us, 0)
