"""Fitting the trees: LightGBM with settings that give the same text for the same rows and seed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError

from shared.features.mapping import Training

from .dataset import Floats, TrainingSet
from .window import TrainingImpossible

Parameters = dict[str, float | int | str]

MAX_DEPTH: Final = 8
"""Table-based exact attributions need shallow trees."""

MAX_MEMBERS: Final = 10
"""More fits hardly make the mean calmer, and each costs the scorer its trees."""

MIN_ROWS: Final = 500
MIN_FRAUDS: Final = 10

DEFAULTS: Final[Parameters] = {
    "num_iterations": 200,
    "learning_rate": 0.05,
    "num_leaves": 31,
    "max_depth": MAX_DEPTH,
    "min_data_in_leaf": 50,
    "lambda_l2": 20.0,
}

FIXED: Final[Parameters] = {
    "objective": "binary",
    "boosting": "gbdt",
    "deterministic": "true",
    "force_row_wise": "true",
    "num_threads": 1,
    "linear_tree": "false",
    "verbosity": -1,
}
"""What the walker can run and what makes a fit repeat to the bit."""


def resolve_members(training: Training, seed: int) -> tuple[Parameters, ...]:
    """Parameters of each fit of the model: one per seed of the portfolio, or ``seed`` alone if it is not 0.

    Raises TrainingImpossible.
    """
    seeds = (seed,) if seed else training.seeds
    if not 0 < len(set(seeds)) == len(seeds) <= MAX_MEMBERS:
        raise TrainingImpossible(f"A model is the mean of 1 to {MAX_MEMBERS} fits, each with its own seed.")
    return tuple(resolve_parameters(training, each) for each in seeds)


def resolve_parameters(training: Training, seed: int) -> Parameters:
    """The portfolio's parameters over ours, with the seed. Raises TrainingImpossible."""
    chosen = {key: _plain(value) for key, value in training.parameters.items()}
    parameters: Parameters = {**DEFAULTS, **chosen, **FIXED, "seed": seed}
    for key, value in FIXED.items():
        if chosen.get(key, value) != value:
            raise TrainingImpossible(f"The parameter {key} is fixed at {value}.")
    depth = parameters["max_depth"]
    if not isinstance(depth, int) or not 1 <= depth <= MAX_DEPTH:
        raise TrainingImpossible(f"The parameter max_depth lies from 1 to {MAX_DEPTH}.")
    if not 0 < training.genuine_share <= 1:
        raise TrainingImpossible("genuine_share is above 0 and at most 1.")
    return parameters


def _plain(value: float | int | str | bool) -> float | int | str:
    """LightGBM's own spelling of a switch, which a card can hold."""
    return str(value).lower() if isinstance(value, bool) else value


def require_enough(data: TrainingSet, part: str) -> None:
    """Raises TrainingImpossible if the rows to train on are too few or hold too few frauds."""
    frauds = int(data.fraud.sum())
    if len(data.fraud) < MIN_ROWS:
        raise TrainingImpossible(f"The {part} has {len(data.fraud)} payments; {MIN_ROWS} are needed.")
    if frauds < MIN_FRAUDS:
        raise TrainingImpossible(f"The {part} has {frauds} known frauds; {MIN_FRAUDS} are needed.")
    if frauds == len(data.fraud):
        raise TrainingImpossible(f"The {part} has no genuine payment.")


def sample_genuine(data: TrainingSet, share: float, seed: int) -> tuple[TrainingSet, Floats]:
    """All frauds and a ``share`` of the genuine rows, with weights (n,) that keep the base rate.

    A row's fate is a hash of its id and the seed, so it does not depend on the other rows.
    """
    if share == 1:
        return data, np.ones(len(data.fraud))
    key, limit = seed.to_bytes(8, "little"), int(share * 2**64)
    drawn = np.fromiter((_draw(tx_id, key) < limit for tx_id in data.tx_ids.to_pylist()), np.bool_)
    kept = data.select(data.fraud | drawn)
    return kept, np.where(kept.fraud, 1.0, 1.0 / share)


def _draw(tx_id: str, key: bytes) -> int:
    return int.from_bytes(blake2b(tx_id.encode(), digest_size=8, key=key).digest(), "little")


def fit_trees(
    data: TrainingSet, weights: Floats, names: tuple[str, ...], parameters: Parameters
) -> lightgbm.Booster:
    """Trees on the rows of ``data``. Raises TrainingImpossible with LightGBM's own words."""
    rounds = int(parameters["num_iterations"])
    rest = {key: value for key, value in parameters.items() if key != "num_iterations"}
    try:
        rows = lightgbm.Dataset(
            data.matrix,
            label=data.fraud.astype(np.float64),
            weight=weights,
            feature_name=list(names),
            categorical_feature=[],
        )
        return lightgbm.train(rest, rows, num_boost_round=rounds)
    except LightGBMError as error:
        raise TrainingImpossible(f"LightGBM refused: {str(error)[:300]}") from error
