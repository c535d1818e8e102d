"""Drift of one number between a reference and a window: PSI and KS over bins that the reference fixes.

Bin rule: inner edges are the nine deciles of the reference's present values (each a value of the reference),
a value at an edge lies above it, and missing values have a bin of their own. Equal deciles leave bins between
them empty for good, on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Counts = NDArray[np.int64]

BINS: Final = 10
SAMPLE_FLOOR: Final = 500
"""A window of fewer rows says nothing."""
SHARE_FLOOR: Final = 1e-4
"""An empty bin counts as this share, so that one value in a new place is not an infinite drift."""

_DECILES: Final = np.arange(1, BINS) / BINS


class Reference(Struct, frozen=True, kw_only=True):
    """How ``name`` lay in training: inner edges, and the share of each bin with that of missing at the end.

    Without a present value there are no edges and one empty bin beside that of missing.
    """

    name: str
    edges: list[float]
    shares: list[float]


class ModelReference(Struct, frozen=True, kw_only=True):
    """The d inputs of a model, in their order, and its calibrated score, as they lay in training."""

    v: int
    rows: int
    features: list[Reference]
    score: Reference


class Drift(Struct, frozen=True, kw_only=True):
    """What a window of ``sample`` rows shows against a reference; None below the sample floor.

    ``ks`` is over present values, and None without one on either side.
    """

    name: str
    sample: int
    psi: float | None
    ks: float | None
    missing_ratio: float | None
    reference_missing_ratio: float


def reference_of(name: str, values: Reals) -> Reference:
    """The reference of ``values`` (n,), NaN is missing. Raises ValueError without a row."""
    if not len(values):
        raise ValueError("a reference of no rows")
    present = values[~np.isnan(values)]
    edges = np.quantile(present, _DECILES, method="inverted_cdf").tolist() if len(present) else []
    counts = bin_counts(edges, values)
    return Reference(name=name, edges=edges, shares=(counts / counts.sum()).tolist())


def bin_counts(edges: Sequence[float], values: Reals) -> Counts:
    """How many of ``values`` (n,) lie in each bin, missing ones last: (len(edges) + 2,)."""
    missing = np.isnan(values)
    places = np.searchsorted(np.asarray(edges, np.float64), values[~missing], side="right")
    found = np.bincount(places, minlength=len(edges) + 1)
    return np.append(found, missing.sum()).astype(np.int64)


def drift_of(reference: Reference, values: Reals) -> Drift:
    """The drift of a window's ``values`` (n,)."""
    counts = bin_counts(reference.edges, values)
    sample = len(values)
    expected = np.asarray(reference.shares, np.float64)
    enough = sample >= SAMPLE_FLOOR
    return Drift(
        name=reference.name,
        sample=sample,
        psi=psi(expected, counts / sample) if enough else None,
        ks=ks(expected[:-1], counts[:-1].astype(np.float64)) if enough else None,
        missing_ratio=float(counts[-1] / sample) if enough else None,
        reference_missing_ratio=float(expected[-1]),
    )


def psi(expected: Reals, found: Reals) -> float:
    """Population stability index of two sets of shares (b,): sum of (f - e) * ln(f / e)."""
    e, f = np.maximum(expected, SHARE_FLOOR), np.maximum(found, SHARE_FLOOR)
    return float(((f - e) * np.log(f / e)).sum())


def ks(expected: Reals, found: Reals) -> float | None:
    """Largest distance of the two distributions at a bin's edge, from weights (b,); None without any.

    It is at most the Kolmogorov-Smirnov statistic of the values themselves.
    """
    if not (expected.sum() and found.sum()):
        return None
    distance = np.cumsum(expected) / expected.sum() - np.cumsum(found) / found.sum()
    return float(np.abs(distance).max())
