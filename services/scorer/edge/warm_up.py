"""Compiles and loads every kernel before the first partition is taken."""

from __future__ import annotations

import numpy as np

from shared.features.compiled import FeatureSet
from shared.features.layout import KIND_TRANSACTION
from shared.features.timelines import Timelines

WARM_BYTES = 1 << 20


def warm_up(feature_set: FeatureSet) -> None:
    """Fold a made-up payment; what numba compiles lands in its cache on disk."""
    timelines = Timelines(feature_set, WARM_BYTES)
    ids = [["warm"] * len(feature_set.entities)]
    claim = timelines.claim(ids)
    row = np.zeros(1, feature_set.layout.dtype)
    row["kind"] = KIND_TRANSACTION
    row["t"] = 1
    starts = [0] * len(claim.keys)
    timelines.fold(claim, row, starts, [b""] * len(claim.keys))
