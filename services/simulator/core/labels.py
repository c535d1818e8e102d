"""When the truth comes out, and when it does not: labels of payments, late, missing or taken back."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .chance import Floats, Integers
from .columns import GENUINE, Payments
from .span import DAY_MS, HOUR_MS

NEVER: Final = -1

MEDIAN_DELAY_DAYS: Final = 6.0
DELAY_SPREAD: Final = 0.94
"""Of the logarithm: nine in ten within twenty days."""
FOUND_SHARE: Final = 0.97
REVERSED_SHARE: Final = 0.02
CLEARED_SHARE: Final = 0.003  # of genuine payments: looked at and found genuine
MISTAKEN_SHARE: Final = 0.0001  # of genuine payments: reported as fraud, later taken back


class Labels(NamedTuple):
    """One entry per payment (n,): ``verdict`` 1 fraud, 0 genuine, -1 none; times are UTC ms or `NEVER`."""

    verdict: Integers
    known_ms: Integers
    reversed_ms: Integers


def draw_labels(rng: np.random.Generator, payments: Payments, speed: float = 1.0) -> Labels:
    """Labels of the payments; delays have a median of six days, divided by ``speed``."""
    n = len(payments.time_ms)
    fraud = payments.pattern != GENUINE
    luck = rng.random(n)
    found = fraud & (luck < FOUND_SHARE)
    mistaken = ~fraud & (luck < MISTAKEN_SHARE)
    cleared = ~fraud & ~mistaken & (luck < MISTAKEN_SHARE + CLEARED_SHARE)
    delay = rng.lognormal(np.log(MEDIAN_DELAY_DAYS), DELAY_SPREAD, n)
    second = rng.uniform(3.0, 20.0, n)
    back = (found & (rng.random(n) < REVERSED_SHARE)) | mistaken
    known_ms = payments.time_ms + _ms(np.where(cleared, delay / 3, delay), speed)
    return Labels(
        verdict=np.where(found | mistaken, 1, np.where(cleared, 0, -1)),
        known_ms=np.where(found | mistaken | cleared, known_ms, NEVER),
        reversed_ms=np.where(back, known_ms + _ms(second, speed), NEVER),
    )


def _ms(days: Floats, speed: float) -> Integers:
    """Days as ms of sped-up time, at least an hour's worth."""
    return (np.maximum(days * DAY_MS, HOUR_MS) / speed).astype(np.int64) + 1
