"""The benchmark's model: 200 trees of 31 leaves over the portfolio's 25 inputs."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.rowwise import Rowwise
from shared.features.timelines import Timelines

from .traffic import Traffic

TREES, LEAVES = 200, 31
TRAINING_ROWS = 20_000
BUDGET_BYTES = 1 << 28


def train_model(feature_set: FeatureSet, traffic: Traffic) -> tuple[str, NDArray[np.float64]]:
    """The model's text, and the vectors (n, d) of the first payments, folded in process."""
    vectors = fold_all(feature_set, traffic, TRAINING_ROWS)
    labels = traffic.fraud[: len(vectors)].astype(int)
    data = lgb.Dataset(vectors, labels, feature_name=list(feature_set.names))
    parameters = {
        "objective": "binary",
        "num_leaves": LEAVES,
        "min_data_in_leaf": 5,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    return lgb.train(parameters, data, TREES).model_to_string(), vectors


def fold_all(feature_set: FeatureSet, traffic: Traffic, count: int, batch: int = 256) -> NDArray[np.float64]:
    """Vectors (count, d) of the first payments, one writer, logs kept in plain dicts."""
    encoder = RowEncoder(feature_set, b"bench")
    rowwise = Rowwise(feature_set)
    timelines = Timelines(feature_set, BUDGET_BYTES)
    lengths: dict[bytes, int] = {}
    parts = []
    for start in range(0, min(count, len(traffic.records)), batch):
        records = traffic.records[start : start + batch]
        rows = [encoder.transaction(r, r.amount_minor, r.event_time_ms, 0) for r in records]
        claim = timelines.claim([encoder.entity_ids(r) for r in records])
        starts = [lengths.get(key, 0) for key in claim.keys]
        for key, first, added in zip(claim.keys, starts, claim.counts, strict=True):
            lengths[key] = first + added
        matrix = np.full((len(records), len(feature_set.names)), np.nan)
        times = np.array([r.event_time_ms for r in records])
        amounts = np.array([r.amount_minor for r in records])
        rowwise.fill(matrix, times, amounts, records)
        timelines.fold(claim, b"".join(rows), starts, b"", matrix)
        parts.append(matrix)
    return np.concatenate(parts)
