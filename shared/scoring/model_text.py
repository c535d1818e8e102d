"""Reads LightGBM's text format strictly: what is damaged or not taken is refused, never guessed."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

CATEGORICAL_BIT: Final = 1
DEFAULT_LEFT_BIT: Final = 2
MISSING_SHIFT: Final = 2
MISSING_NONE: Final = 0
MISSING_ZERO: Final = 1
MISSING_NAN: Final = 2

_FORMAT: Final = "v4"
_LEAVES_LIMIT: Final = 1 << 16
_INTEGERS: Final = re.compile(r"(-?[0-9]{1,9}( -?[0-9]{1,9})*)?", re.ASCII)
_REALS: Final = re.compile(r"[-+.0-9eE ]*", re.ASCII)
_INFINITE: Final = re.compile(r"(?<![^ ])(-?)inf(?![^ ])")


class ModelRefused(Exception):
    """A model the walker does not take: ``code`` is a reason code, ``detail`` one sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Tree(NamedTuple):
    """One tree as the file has it: m = leaves - 1 splits, node 0 the root, a child c < 0 is leaf ~c."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    decision: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]


class ModelText(NamedTuple):
    """A model file's content: input names in column order, trees in order of summation."""

    feature_names: tuple[str, ...]
    trees: tuple[Tree, ...]


def damaged(detail: str) -> ModelRefused:
    """The refusal of a file that is cut, corrupted, or of a form the walker does not take."""
    return ModelRefused("artefact_parse", detail)


def read_model(text: str) -> ModelText:
    """The trees in ``text``, LightGBM 4's ``model_to_string``. Raises ModelRefused.

    Taken: one output, numerical splits, constant leaves, every missing type. Refused: several classes,
    categorical splits, linear leaves, averaged forests, other format versions, leaves that are not finite.
    """
    start = text.find("\nTree=0\n") + 1
    if not text.startswith("tree\n") or start == 0:
        raise damaged("not a LightGBM text model with at least one tree")
    header = _pairs(text[:start])
    names = _names(header)
    return ModelText(names, tuple(_trees(text, start, header, len(names))))


def _names(header: dict[str, str]) -> tuple[str, ...]:
    if _need(header, "version") != _FORMAT:
        raise damaged(f"format version is not {_FORMAT}")
    if _need(header, "num_class") != "1" or _need(header, "num_tree_per_iteration") != "1":
        raise damaged("the model has several outputs per row")
    if "average_output" in header:
        raise damaged("the model averages its trees")
    names = tuple(_need(header, "feature_names").split(" "))
    if _need(header, "max_feature_idx") != str(len(names) - 1) or len(set(names)) != len(names):
        raise damaged("the list of feature names does not fit the number of features")
    return names


def _trees(text: str, start: int, header: dict[str, str], features: int) -> list[Tree]:
    """Cuts the body where the header says each tree ends, so a shifted or lost byte is noticed."""
    trees = []
    for number, size in enumerate(_integers(header, "tree_sizes").tolist()):
        block = text[start : start + size]
        if size < 1 or not block.startswith(f"Tree={number}\n"):
            raise damaged(f"tree {number} is not where the header says")
        trees.append(_tree(_pairs(block), features, number))
        start += size
    if not trees or not text.startswith("end of trees\n", start):
        raise damaged("the end of the trees is not where the header says")
    return trees


def _tree(pairs: dict[str, str], features: int, number: int) -> Tree:
    leaves = _need(pairs, "num_leaves")
    if not re.fullmatch(r"[1-9][0-9]{0,5}", leaves, re.ASCII) or int(leaves) > _LEAVES_LIMIT:
        raise damaged(f"tree {number} has an impossible number of leaves")
    if _need(pairs, "num_cat") != "0" or pairs.get("is_linear", "0") != "0":
        raise damaged(f"tree {number} has categorical splits or linear leaves")
    tree = Tree(
        _integers(pairs, "split_feature"),
        _thresholds(pairs),
        _integers(pairs, "decision_type"),
        _integers(pairs, "left_child"),
        _integers(pairs, "right_child"),
        _reals(pairs, "leaf_value"),
    )
    _check(tree, int(leaves), features, number)
    return tree


def _check(tree: Tree, leaves: int, features: int, number: int) -> None:
    splits = leaves - 1
    if any(len(column) != splits for column in tree[:5]) or len(tree.value) != leaves:
        raise damaged(f"tree {number} has lists of other lengths than its number of leaves")
    if ((tree.feature < 0) | (tree.feature >= features)).any():
        raise damaged(f"tree {number} splits on a feature that the model does not have")
    missing = tree.decision >> MISSING_SHIFT
    if (tree.decision & CATEGORICAL_BIT).any() or ((missing < 0) | (missing > MISSING_NAN)).any():
        raise damaged(f"tree {number} has a split of another type than numerical")
    # Every node but the root and every leaf is the child of exactly one node.
    children = np.sort(np.concatenate((tree.left, tree.right)))
    expected = np.concatenate((np.arange(-leaves, 0), np.arange(1, max(splits, 1)))) if splits else children
    if not np.array_equal(children, expected):
        raise damaged(f"tree {number} is no tree: a child is missing or stands twice")


def _pairs(block: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in block.split("\n"):
        key, _, value = line.partition("=")
        if key in pairs:
            raise damaged(f"the key {key[:40]!r} stands twice")
        if key:
            pairs[key] = value
    return pairs


def _need(pairs: dict[str, str], key: str) -> str:
    value = pairs.get(key)
    if value is None:
        raise damaged(f"the key {key!r} is absent")
    return value


def _integers(pairs: dict[str, str], key: str) -> NDArray[np.int64]:
    text = _need(pairs, key)
    if not _INTEGERS.fullmatch(text):
        raise damaged(f"{key!r} is no list of integers")
    return np.array(text.split(), dtype=np.int64)


def _thresholds(pairs: dict[str, str]) -> NDArray[np.float64]:
    """Thresholds may be infinite: a split at ``inf`` parts missing from present."""
    text, beyond = _INFINITE.subn(r"\g<1>1e999", _need(pairs, "threshold"))
    return _reals({"threshold": text}, "threshold", beyond)


def _reals(pairs: dict[str, str], key: str, infinite: int = 0) -> NDArray[np.float64]:
    """The numbers under ``key``, of which exactly ``infinite`` are not finite."""
    text = _need(pairs, key)
    if not _REALS.fullmatch(text):
        raise damaged(f"{key!r} is no list of finite numbers")
    try:
        numbers = np.array([float(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        raise damaged(f"{key!r} is no list of finite numbers") from None
    if np.count_nonzero(~np.isfinite(numbers)) != infinite:
        raise damaged(f"{key!r} holds a number beyond the range of a double")
    return numbers
