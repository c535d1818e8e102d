"""Where chance comes from: one seeded source per part of the world, and the draws that all parts share."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

STREAM_WORLD: Final = 0
STREAM_HABITS: Final = 1
STREAM_EPISODES: Final = 2
STREAM_TERMINALS: Final = 3
STREAM_LIVE: Final = 4
STREAM_TRIPS: Final = 5
STREAM_LABELS: Final = 6

SHORTEST_WAIT_MS: Final = 4_000.0
LONG_WAIT_MS: Final = 1_800_000.0
"""Waits up to half an hour are as they are at any pace; what is longer shrinks with the pace."""


def generator(seed: int, stream: int, number: int) -> np.random.Generator:
    """The source of chance of one part of the world: equal arguments give an equal sequence."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, number])))


def pick(rng: np.random.Generator, total: Floats, n: int) -> Integers:
    """n positions of a running total (k,), each as likely as its share."""
    return place(total, rng.random(n))


def place(total: Floats, share: Floats) -> Integers:
    """Where each share (n,) of 0 to 1 falls in a running total (k,)."""
    found = np.searchsorted(total, share * total[-1], side="right")
    positions: Integers = np.minimum(found, len(total) - 1).astype(np.int64)
    return positions


def first_of(counts: Integers, most: int) -> Flags:
    """(n, most): the first ``counts`` of each row."""
    return np.less(np.arange(most), counts[:, None])


def steps(
    rng: np.random.Generator, starts_ms: Integers, mean_ms: Floats | list[float], happens: Flags, pace: float
) -> Integers:
    """Times (n, s) of the steps of n episodes: exponential waits with means (s,) before each that happens.

    A step that does not happen takes no time.
    """
    waits = rng.exponential(1.0, happens.shape) * np.asarray(mean_ms) + SHORTEST_WAIT_MS
    passed = np.cumsum(np.where(happens, hurried(waits, pace), 0.0), axis=1)
    times: Integers = starts_ms[:, None] + passed.astype(np.int64)
    return times


def hurried(waits_ms: Floats, pace: float) -> Floats:
    """Waits as a world lives them that is ``pace`` times busier than ours: long ones shorter."""
    long = np.maximum(waits_ms - LONG_WAIT_MS, 0.0)
    return np.minimum(waits_ms, LONG_WAIT_MS) + long / max(pace, 1.0)
