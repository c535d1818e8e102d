"""Forms of models that are taken, forms that are refused, and the shape of the call."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from shared.scoring.trees import ModelRefused, check_features, parse_model, predict_raw
from tests.unit.scoring.boosters import booster_raw, nasty_inputs, same_bits, train, training_set

X, Y = training_set(300, 3, 5)


def text_of(**parameters: Any) -> str:
    return train(X, Y, **parameters).model_to_string()


def refusal_of(text: str) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        parse_model(text)
    return caught.value


def test_missing_types_all_occur_in_the_trained_models() -> None:
    seen = set()
    for parameters in ({}, {"zero_as_missing": True}, {"use_missing": False}):
        seen |= {int(source[1]) for source in parse_model(text_of(**parameters)).sources}
    assert seen == {0, 1, 2}


def test_trees_of_one_leaf_are_their_value() -> None:
    booster = train(X, Y, min_data_in_leaf=1000)
    trees = parse_model(booster.model_to_string())
    assert len(trees.thresholds) == 0
    assert same_bits(predict_raw(trees, X), booster_raw(booster, X))
    mixed = train(X, Y, rounds=30, min_gain_to_split=8.0)
    trees = parse_model(mixed.model_to_string())
    assert same_bits(predict_raw(trees, X), booster_raw(mixed, X))


@pytest.mark.parametrize("leaves", [2, 63, 64, 65, 200])
def test_tall_and_short_trees_around_the_mask_limit(leaves: int) -> None:
    x, y = training_set(3000, 3, 9)
    booster = train(x, y, num_leaves=leaves, min_data_in_leaf=1, learning_rate=0.5)
    trees = parse_model(booster.model_to_string())
    assert np.diff(trees.first_leaf).max() == leaves
    matrix = nasty_inputs(trees, leaves)
    assert same_bits(predict_raw(trees, matrix), booster_raw(booster, matrix))


def test_infinite_thresholds_part_missing_from_present() -> None:
    generator = np.random.default_rng(3)
    x = np.where(generator.random((300, 1)) < 0.3, np.nan, generator.normal(size=(300, 1)))
    booster = train(x, np.isnan(x[:, 0]).astype(np.float64))
    trees = parse_model(booster.model_to_string())
    assert np.isinf(trees.thresholds).any()
    matrix = np.array([[np.nan], [np.inf], [-np.inf], [0.0]])
    assert same_bits(predict_raw(trees, matrix), booster_raw(booster, matrix))


def test_the_saved_and_read_model_gives_the_same_bits() -> None:
    booster = train(X, Y)
    read = lgb.Booster(model_str=booster.model_to_string())
    trees = parse_model(read.model_to_string())
    assert same_bits(predict_raw(trees, X), booster_raw(booster, X))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"objective": "multiclass", "num_class": 3}, "several outputs"),
        ({"linear_tree": True}, "linear leaves"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averages"),
        ({"categories": [1], "min_data_per_group": 1}, "categorical"),
    ],
)
def test_forms_the_walker_does_not_take_are_refused(parameters: dict[str, Any], words: str) -> None:
    x = np.abs(np.nan_to_num(X)).round() if "categories" in parameters else X
    error = refusal_of(train(x, Y, **parameters).model_to_string())
    assert error.code == "artefact_parse"
    assert words in error.detail


def edited(text: str, key: str, position: int, word: str) -> str:
    """``text`` with one word of the first tree's list ``key`` replaced, tree sizes kept true."""
    start = text.index(f"\n{key}=", text.index("\nTree=0\n")) + len(key) + 2
    end = text.index("\n", start)
    words = text[start:end].split(" ")
    words[position] = word
    changed = text[:start] + " ".join(words) + text[end:]
    sizes = text[text.index("tree_sizes=") + 11 :].split("\n")[0]
    first = int(sizes.split(" ")[0]) + len(changed) - len(text)
    return changed.replace(
        f"tree_sizes={sizes}", f"tree_sizes={' '.join([str(first), *sizes.split(' ')[1:]])}"
    )


@pytest.mark.parametrize(
    ("key", "word"),
    [
        *(("leaf_value", word) for word in ("inf", "nan", "1e999", "1_0", "0x1", "", "1,5")),
        *(("threshold", word) for word in ("nan", "1e999", "infinity", "--1")),
        *(("split_feature", word) for word in ("3", "-1", "99999999999", "1.5")),
        *(("decision_type", word) for word in ("1", "3", "12", "-2")),
        *(("left_child", word) for word in ("0", "500", "-500", "1")),
        *(("num_leaves", word) for word in ("0", "-1", "1", "3", "70000", "x")),
        ("num_cat", "1"),
        ("is_linear", "1"),
    ],
)
def test_a_bad_number_in_a_tree_is_refused(key: str, word: str) -> None:
    text = text_of(num_leaves=8)
    position = 1 if key in ("left_child", "leaf_value") else 0
    assert refusal_of(edited(text, key, position, word)).code == "artefact_parse"


def test_the_editing_of_these_tests_leaves_a_sound_model_sound() -> None:
    text = text_of(num_leaves=8)
    parse_model(edited(text, "leaf_value", 1, "0.125"))


def test_a_cycle_beside_the_root_is_refused() -> None:
    """Every node is once a child, yet two of them only of each other."""
    text = text_of(num_leaves=4, rounds=1)
    for key, words in (("left_child", ["-1", "2", "1"]), ("right_child", ["-2", "-3", "-4"])):
        for position, word in enumerate(words):
            text = edited(text, key, position, word)
    assert "reached" in refusal_of(text).detail


def test_leaves_whose_sum_could_overflow_are_refused() -> None:
    text = text_of(rounds=2, num_leaves=8)
    first = edited(text, "leaf_value", 0, "1.7e308")
    parse_model(first)
    second = text_of(rounds=1, num_leaves=8)
    assert "overflow" not in str(parse_model(edited(second, "leaf_value", 0, "-1.7e308")))
    head, tail = first.split("\nTree=1\n")
    body, rest = tail.split("leaf_value=", 1)
    old = rest.split(" ", 1)[0]
    both = head + "\nTree=1\n" + body + "leaf_value=1.7e308 " + rest.split(" ", 1)[1]
    sizes = first[first.index("tree_sizes=") + 11 :].split("\n")[0]
    one, two = (int(size) for size in sizes.split(" "))
    fixed = both.replace(f"tree_sizes={sizes}", f"tree_sizes={one} {two + len('1.7e308') - len(old)}")
    assert "overflow" in refusal_of(fixed).detail


@pytest.mark.parametrize(
    "text", ["", "tree", "tree\n", "not a model", "tree\nversion=v4\n\nTree=0\n", "\0" * 100]
)
def test_what_is_no_model_is_refused(text: str) -> None:
    assert refusal_of(text).code == "artefact_parse"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version=v4", "version=v3"),
        ("num_class=1", "num_class=2"),
        ("max_feature_idx=2", "max_feature_idx=3"),
        ("max_feature_idx=2", "max_feature_idx=1"),
        ("num_tree_per_iteration=1\n", ""),
        ("feature_names=Column_0 Column_1", "feature_names=Column_1 Column_1"),
        ("\nTree=1\n", "\nTree=2\n"),
        ("end of trees", "end of tree"),
        ("num_class=1", "num_class=1\nnum_class=1"),
    ],
)
def test_a_bad_header_is_refused(old: str, new: str) -> None:
    text = text_of()
    assert old in text
    assert refusal_of(text.replace(old, new, 1)).code == "artefact_parse"


def test_inputs_are_compared_by_name_and_order() -> None:
    trees = parse_model(text_of())
    check_features(trees, ["Column_0", "Column_1", "Column_2"])
    for names in (["Column_1", "Column_0", "Column_2"], ["Column_0"], [], ["a", "b", "c", "d"]):
        with pytest.raises(ModelRefused, match="model_features"):
            check_features(trees, names)


def test_shapes_types_and_out() -> None:
    trees = parse_model(text_of())
    out = np.full(5, 9.0)
    assert predict_raw(trees, X[:5], out) is out
    assert same_bits(out, predict_raw(trees, X[:5].copy(order="F")))
    assert predict_raw(trees, X[:0]).shape == (0,)
    singles: Any = np.float32
    for matrix in (X[:5, :2], X[0], X.astype(singles)):
        with pytest.raises(ValueError, match="matrix"):
            predict_raw(trees, matrix)
    for bad in (np.empty(4), np.empty(5, dtype=singles), np.empty(10)[::2]):
        with pytest.raises(ValueError, match="out"):
            predict_raw(trees, X[:5], bad)
