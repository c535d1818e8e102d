"""Small LightGBM models and nasty inputs for the walker's tests."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from shared.scoring.trees import FlatTrees
from shared.scoring.walker import ZERO_LIMIT

Reals = NDArray[np.float64]

SPECIAL = np.array(
    [
        *(0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-310, -1e-310),
        *(ZERO_LIMIT, -ZERO_LIMIT, np.nextafter(ZERO_LIMIT, 1), -np.nextafter(ZERO_LIMIT, 1)),
        *(np.nextafter(ZERO_LIMIT, 0), 1e-35, -1e-35, 1e300, -1e300, 1.7976931348623157e308),
    ]
)


def training_set(rows: int, features: int, seed: int) -> tuple[Reals, Reals]:
    """Inputs (rows, features) with holes, zeros and ties, and labels that depend on them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)).round(int(generator.integers(0, 4)))
    x[generator.random(x.shape) < 0.15] = np.nan
    x[generator.random(x.shape) < 0.15] = 0.0
    x[generator.random(x.shape) < 0.05] = 1e-36
    known = np.nan_to_num(x)
    signal = known[:, 0] - known[:, -1] ** 2 + 0.5 * np.isnan(x).sum(axis=1)
    labels = (signal + generator.normal(size=rows) > np.median(signal)).astype(np.float64)
    return x, labels


def train(
    x: Reals,
    y: Reals,
    rounds: int = 10,
    weight: Reals | None = None,
    categories: list[int] | None = None,
    **parameters: Any,
) -> lgb.Booster:
    """A binary model on one thread with ``parameters`` on top of small-data settings."""
    settings = {
        "objective": "binary",
        "verbose": -1,
        "num_threads": 1,
        "min_data_in_leaf": 3,
        "deterministic": True,
        "seed": 1,
        **parameters,
    }
    rows = lgb.Dataset(x, y, weight=weight, params=settings, categorical_feature=categories or "auto")
    return lgb.train(settings, rows, rounds)


def nasty_inputs(trees: FlatTrees, seed: int, rows: int = 400) -> Reals:
    """Rows that mix special values, exact thresholds and their neighbours, and plain numbers."""
    generator = np.random.default_rng(seed)
    pool = np.concatenate(
        (
            SPECIAL,
            trees.thresholds,
            np.nextafter(trees.thresholds, np.inf),
            np.nextafter(trees.thresholds, -np.inf),
            generator.normal(size=50),
        )
    )
    return generator.choice(pool, size=(rows, trees.features))


def booster_raw(booster: lgb.Booster, matrix: Reals) -> Reals:
    """The reference: LightGBM's own raw score on one thread."""
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), dtype=np.float64)


def same_bits(one: Reals, other: Reals) -> bool:
    """Whether two arrays are equal as bytes."""
    return one.tobytes() == other.tobytes()
