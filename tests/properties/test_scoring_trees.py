"""The walker equals LightGBM to the bit on random models and nasty inputs; damaged text is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.scoring.trees import FlatTrees, ModelRefused, parse_model, predict_raw
from tests.unit.scoring.boosters import booster_raw, nasty_inputs, same_bits, train, training_set

PARAMETERS = st.fixed_dictionaries(
    {
        "num_leaves": st.sampled_from([2, 3, 8, 31, 64, 65, 127]),
        "max_depth": st.sampled_from([-1, 1, 3, 8]),
        "use_missing": st.booleans(),
        "zero_as_missing": st.booleans(),
        "min_data_in_leaf": st.sampled_from([1, 3, 20]),
        "max_bin": st.sampled_from([4, 63, 255]),
        "boost_from_average": st.booleans(),
        "learning_rate": st.sampled_from([0.02, 0.1, 1.0]),
        "lambda_l2": st.sampled_from([0.0, 20.0]),
        "min_gain_to_split": st.sampled_from([0.0, 2.0]),
        "extra_trees": st.booleans(),
        "boosting": st.sampled_from(["gbdt", "dart"]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parameters=PARAMETERS,
    rows=st.sampled_from([30, 200, 600]),
    features=st.integers(1, 6),
    weighted=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_every_model_sums_to_the_same_bits(
    parameters: dict[str, Any], rows: int, features: int, weighted: bool, seed: int
) -> None:
    x, y = training_set(rows, features, seed)
    weight = np.random.default_rng(seed).uniform(0.1, 7.0, size=rows) if weighted else None
    booster = train(x, y, weight=weight, **parameters)
    trees = parse_model(booster.model_to_string())
    matrix = np.concatenate((nasty_inputs(trees, seed), x))
    expected = booster_raw(booster, matrix)
    assert np.isfinite(expected).all()
    assert same_bits(predict_raw(trees, matrix), expected)
    # Few rows take another road through the walker than many.
    for count in (1, 2, 3, 4, 9, 65):
        assert same_bits(predict_raw(trees, matrix[:count]), expected[:count])


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 400), seed=st.integers(0, 2**31))
def test_rows_do_not_depend_on_their_neighbours(cut: int, seed: int) -> None:
    _, trees = _model()
    matrix = nasty_inputs(trees, seed)
    parts = [predict_raw(trees, part) for part in (matrix[:cut], matrix[cut:])]
    assert same_bits(np.concatenate(parts), predict_raw(trees, matrix))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_cut_model_is_refused(data: st.DataObject) -> None:
    text, _ = _model()
    end = text.index("end of trees\n")
    with pytest.raises(ModelRefused) as caught:
        parse_model(text[: data.draw(st.integers(0, end + len("end of trees")))])
    assert caught.value.code == "artefact_parse"


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_corrupted_model_is_refused_or_still_safe_to_walk(data: st.DataObject) -> None:
    text, trees = _model()
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.sampled_from([0, 1, 1, 1, 5, 40]))
    junk = data.draw(st.text(alphabet=st.sampled_from("0123456789-+.eE =\n\0infxé"), max_size=6))
    damaged = _parsed_or_refused(text[:at] + junk + text[at + length :])
    if damaged is not None:
        matrix = nasty_inputs(damaged, 1, rows=70)
        assert np.isfinite(predict_raw(damaged, matrix)).all()
        assert damaged.trees == trees.trees


def _parsed_or_refused(text: str) -> FlatTrees | None:
    """The model, or ``None`` if it was refused; anything else that is raised fails the test."""
    try:
        return parse_model(text)
    except ModelRefused:
        return None


@cache
def _model() -> tuple[str, FlatTrees]:
    x, y = training_set(400, 4, 7)
    booster: lgb.Booster = train(x, y, num_leaves=8)
    text = booster.model_to_string()
    return text, parse_model(text)
