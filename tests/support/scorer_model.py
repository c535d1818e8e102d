"""A small model trained on what a stand's captures hold, released as its champion."""

from __future__ import annotations

import lightgbm
import numpy as np

from shared.contracts.capture import decode_capture
from shared.contracts.models import CalibrationTable, ModelCard, ModelRef
from shared.scoring.trees import parse_model, predict_raw
from shared.stores.artefacts import Golden
from tests.support.scorer_stand import Stand
from tests.support.scorer_traffic import T0_MS


def release_champion(stand: Stand, trees: int = 20) -> ModelRef:
    """Train on the captured inputs (large amounts count as fraud), keep the artefact, publish release 2."""
    names = stand.features.names
    rows = [
        vector
        for taken in stand.read("captures")
        for vector in decode_capture(taken.value or b"", len(names), len(stand.features.entities))
        .column("vector")
        .to_pylist()
        if vector is not None
    ]
    inputs = np.array(rows, np.float64)
    fraud = (inputs[:, 0] > np.median(inputs[:, 0])).astype(float)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, "min_data_in_leaf": 5}
    data = lightgbm.Dataset(inputs, fraud, feature_name=list(names))
    text = str(lightgbm.train(parameters, data, trees).model_to_string())
    golden = np.ascontiguousarray(inputs[:16])
    card = ModelCard(
        v=1,
        request_id="r1",
        portfolio=stand.name,
        outcome="candidate",
        at_ms=T0_MS,
        name="small",
        version="1",
        feature_set=stand.features.hash,
        feature_names=list(names),
        training_set="0" * 64,
        library="lightgbm",
        calibration=CalibrationTable(raw=[-4.0, 4.0], probability=[0.0, 1.0]),
    )
    vectors = Golden(golden, predict_raw(parse_model(text), golden))
    artefact = stand.artefacts.put({"model.txt": text.encode()}, card, vectors, stand.signer)
    model = ModelRef(name="small", version="1", artefact=artefact)
    stand.release(model)
    return model
