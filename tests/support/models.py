"""A small real model, its card and golden vectors, for tests of stores, releases and the scorer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import lightgbm
import numpy as np
from numpy.typing import NDArray

from shared.contracts.models import CalibrationTable, ModelCard
from shared.scoring.trees import parse_model, predict_raw
from shared.stores.artefacts import ArtefactStore, Golden, Signs

NAMES = tuple(f"input_{k}" for k in range(6))
FEATURE_SET = "f" * 64


@dataclass(frozen=True)
class SmallModel:
    """Text of a trained model over `NAMES`, and golden vectors."""

    text: str
    golden: Golden


@cache
def small_model(seed: int = 1, features: int = len(NAMES)) -> SmallModel:
    """Forty trees on 2,000 seeded rows of ``features`` inputs."""
    draw = np.random.default_rng(seed)
    inputs: NDArray[np.float64] = draw.normal(size=(2_000, features))
    inputs[draw.random(inputs.shape) < 0.05] = np.nan
    fraud = np.nan_to_num(inputs[:, 0]) + draw.normal(size=len(inputs)) > 1.5
    names = [f"input_{k}" for k in range(features)]
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed, "max_depth": 6}
    data = lightgbm.Dataset(inputs, fraud.astype(float), feature_name=names)
    text = str(lightgbm.train(parameters, data, 40).model_to_string())
    golden = np.ascontiguousarray(inputs[:32])
    return SmallModel(text, Golden(golden, predict_raw(parse_model(text), golden)))


def small_card(portfolio: str = "bank", name: str = "small", version: str = "1") -> ModelCard:
    """A card that fits `small_model`."""
    return ModelCard(
        v=1,
        request_id="r1",
        portfolio=portfolio,
        outcome="candidate",
        at_ms=1_700_000_000_000,
        name=name,
        version=version,
        feature_set=FEATURE_SET,
        feature_names=list(NAMES),
        training_set="0" * 64,
        metrics={"auc_roc": 0.9},
        library="lightgbm 4.7.0",
        calibration=CalibrationTable(raw=[-4.0, 4.0], probability=[0.0, 1.0]),
    )


def put_small_model(store: ArtefactStore, signer: Signs, seed: int = 1, card: ModelCard | None = None) -> str:
    """Store it; the artefact's name."""
    model = small_model(seed)
    return store.put({"model.txt": model.text.encode()}, card or small_card(), model.golden, signer)
