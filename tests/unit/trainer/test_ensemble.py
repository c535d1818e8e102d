"""The mean of several fits is one model: for LightGBM, and to the bit for the scorer's walker."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from services.trainer.core.ensemble import mean_of
from shared.scoring.trees import parse_model, predict_raw

NAMES = ["amount", "gap", "risk"]


def rows() -> NDArray[np.float64]:
    drawn = np.random.default_rng(5)
    found = drawn.normal(size=(3_000, 3))
    found[drawn.random(found.shape) < 0.1] = np.nan
    return found


def fitted(seed: int, names: list[str] = NAMES, **more: object) -> str:
    matrix = rows()
    label = (np.nan_to_num(matrix[:, 0]) + np.random.default_rng(seed).normal(size=len(matrix)) > 1.5) * 1.0
    parameters = {"objective": "binary", "verbosity": -1, "num_leaves": 8, "seed": seed, **more}
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, label, feature_name=names), 20)
    return str(booster.model_to_string())


def test_its_score_is_the_mean_of_its_members() -> None:
    texts = [fitted(seed) for seed in (1, 2, 3)]
    merged, matrix = lightgbm.Booster(model_str=mean_of(texts)), rows()
    each = [lightgbm.Booster(model_str=text).predict(matrix, raw_score=True) for text in texts]
    np.testing.assert_allclose(merged.predict(matrix, raw_score=True), np.mean(each, axis=0), rtol=1e-12)
    assert merged.num_trees() == 60
    assert merged.feature_importance().sum() == sum(
        lightgbm.Booster(model_str=text).feature_importance().sum() for text in texts
    )
    shares = np.asarray(merged.predict(matrix[:50], pred_contrib=True)).sum(axis=1)
    np.testing.assert_allclose(shares, merged.predict(matrix[:50], raw_score=True), rtol=1e-9)


def test_the_walker_gives_the_bits_of_lightgbm() -> None:
    text, matrix = mean_of([fitted(4), fitted(5)]), rows()
    reference = np.asarray(lightgbm.Booster(model_str=text).predict(matrix, raw_score=True))
    assert predict_raw(parse_model(text), matrix).tobytes() == reference.tobytes()


def test_it_reads_back_as_it_was_written() -> None:
    text = mean_of([fitted(1), fitted(2)])
    again = lightgbm.Booster(model_str=text)
    ours, theirs = (predict_raw(parse_model(each), rows()) for each in (text, str(again.model_to_string())))
    assert ours.tobytes() == theirs.tobytes()
    told = [line for line in text.split("\n") if line.split("=")[0] in NAMES]
    assert sorted(told) == sorted(
        line for line in again.model_to_string().split("\n") if line.split("=")[0] in NAMES
    )


def test_one_member_stays_as_it_is() -> None:
    text = fitted(1)
    assert mean_of([text]) == text


def test_models_of_other_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="same inputs"):
        mean_of([fitted(1), fitted(1, ["amount", "gap", "other"])])
    with pytest.raises(ValueError, match="one or more"):
        mean_of([])
