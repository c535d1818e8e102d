"""One candidate from one training set: sample, fit, measure, choose golden vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import lightgbm
import numpy as np

from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.evaluation.drift import ModelReference, reference_of
from shared.features.mapping import Training
from shared.scoring.calibration import Calibrator
from shared.scoring.trees import predict_raw

from .dataset import Floats, Mask, TrainingSet
from .ensemble import mean_of
from .fit import Parameters, fit_trees, require_enough, resolve_members, sample_genuine
from .measure import Measured, golden_inputs, measure, walkable
from .window import TrainingImpossible, Window

VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a model: feature set hash and the names of its d columns."""

    feature_set: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The final model, what a later slice said of it, and its golden vectors: inputs (k, d), raw (k,).

    ``reference`` is how the inputs lay in the whole set and the calibrated score in the later slice.
    """

    text: str
    parameters: Parameters
    measured: Measured
    golden_inputs: Floats
    golden_raw: Floats
    reference: ModelReference


def fit_candidate(data: TrainingSet, inputs: Inputs, window: Window, training: Training, seed: int) -> Fitted:
    """Train on the earlier part, calibrate and measure on the later one. Raises TrainingImpossible.

    The later part is without payments of accounts that were known to be compromised by then.
    """
    members = resolve_members(training, seed)
    is_later = data.event_ms >= window.later_ms
    later = is_later & ~data.is_blocked
    earlier = data.select(~is_later)
    require_enough(data, "window")
    require_enough(earlier, "training part of the window")
    text = _fit(earlier, inputs, training, members)
    measured = measure(walkable(text, inputs.names), data.select(later))
    if window.refit:
        text = _fit(data, inputs, training, members)
    return _finish(text, inputs, _told(members), measured, data, later)


def _fit(data: TrainingSet, inputs: Inputs, training: Training, members: Sequence[Parameters]) -> str:
    texts = []
    for parameters in members:
        sampled, weights = sample_genuine(data, training.genuine_share, int(parameters["seed"]))
        texts.append(str(fit_trees(sampled, weights, inputs.names, parameters).model_to_string()))
    return mean_of(texts)


def _told(members: Sequence[Parameters]) -> Parameters:
    """The members' parameters as the card names them: they differ by their seed alone."""
    if len(members) == 1:
        return members[0]
    shared = {name: value for name, value in members[0].items() if name != "seed"}
    return {**shared, "seeds": " ".join(str(parameters["seed"]) for parameters in members)}


def _finish(
    text: str, inputs: Inputs, parameters: Parameters, measured: Measured, data: TrainingSet, later: Mask
) -> Fitted:
    trees = walkable(text, inputs.names)
    golden = golden_inputs(trees, data)
    raw = predict_raw(trees, golden)
    reference = np.asarray(lightgbm.Booster(model_str=text).predict(golden, raw_score=True, num_threads=1))
    if raw.tobytes() != reference.astype(np.float64).tobytes():
        raise TrainingImpossible("The walker and LightGBM give different bits for this model.")
    scores = Calibrator(measured.calibration).apply(predict_raw(trees, data.matrix[later]))
    return Fitted(text, parameters, measured, golden, raw, _reference(inputs, data, scores))


def _reference(inputs: Inputs, data: TrainingSet, scores: Floats) -> ModelReference:
    columns = zip(inputs.names, data.matrix.T, strict=True)
    return ModelReference(
        v=1,
        rows=len(data.fraud),
        features=[reference_of(name, column) for name, column in columns],
        # Payments that no tree was fitted on, unless the window asks for a refit: as near live as training
        # is.
        score=reference_of("score", scores),
    )


def candidate_card(
    request: TrainingRequest,
    inputs: Inputs,
    window: Window,
    data: TrainingSet,
    fitted: Fitted,
    code: str,
) -> ModelCard:
    """The card of a candidate, without its artefact's name.

    Its time is the request's, so that training again gives the same bytes; its version is the model's
    own sha256, so that equal models have equal versions.
    """
    return ModelCard(
        v=1,
        request_id=request.request_id,
        portfolio=request.portfolio,
        outcome="candidate",
        at_ms=request.at_ms,
        name=f"{request.portfolio}-trees",
        version=sha256(fitted.text.encode()).hexdigest()[:VERSION_DIGITS],
        feature_set=inputs.feature_set,
        feature_names=list(inputs.names),
        training_set=data.hash,
        as_of_ms=request.as_of_ms,
        from_ms=window.from_ms,
        to_ms=window.to_ms,
        rows=len(data.fraud),
        frauds=int(data.fraud.sum()),
        metrics=fitted.measured.metrics,
        parameters=dict(fitted.parameters),
        library=f"lightgbm {lightgbm.__version__}",
        code=code,
        detail=f"{request.reason}"[:4096],
        calibration=fitted.measured.calibration,
    )
