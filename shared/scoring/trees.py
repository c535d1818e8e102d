"""A LightGBM model as flat arrays, and its raw score: the sum of leaves, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .model_text import DEFAULT_LEFT_BIT, MISSING_NONE, MISSING_SHIFT, ModelRefused, Tree, damaged, read_model
from .walker import MASK_LEAVES, sum_leaves

__all__ = ["FlatTrees", "ModelRefused", "check_features", "parse_model", "predict_raw"]

_ALL_LEAVES = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class FlatTrees:
    """All trees of a model end to end: s splits, l leaves, t trees, c columns, d inputs.

    ``sources`` (c, 3) says what a column is: (input, missing type, whether missing goes left).
    A split compares ``columns`` with ``thresholds``; ``children`` (s, 2) is (right, left), where a
    child k < 0 is leaf ~k; ``masks`` keeps, of a tree's leaves, those outside the split's left
    subtree (trees of at most 64 leaves). Leaves stand in order from left to right.
    """

    feature_names: tuple[str, ...]
    sources: NDArray[np.int32]
    columns: NDArray[np.uint32]
    thresholds: NDArray[np.float64]
    children: NDArray[np.int32]
    masks: NDArray[np.uint64]
    first_node: NDArray[np.int32]
    first_leaf: NDArray[np.int32]
    values: NDArray[np.float64]

    @property
    def features(self) -> int:
        """d, the number of inputs."""
        return len(self.feature_names)

    @property
    def trees(self) -> int:
        """t, the number of trees."""
        return len(self.first_node) - 1


def parse_model(text: str) -> FlatTrees:
    """The model in ``text``, LightGBM's own text format. Raises ModelRefused.

    Every leaf is finite and no choice of leaves can overflow, so no input, infinite or not, can
    give a score that is not finite.
    """
    model = read_model(text)
    with np.errstate(over="ignore"):
        bound = sum(float(np.abs(tree.value).max()) for tree in model.trees)
    if not np.isfinite(bound):
        raise damaged("the sum of leaves can overflow")
    return _flatten(model.feature_names, model.trees)


def check_features(trees: FlatTrees, names: Sequence[str]) -> None:
    """Raises ModelRefused unless the model's inputs are ``names`` in this order."""
    if trees.feature_names == tuple(names):
        return
    ours, theirs = tuple(names), trees.feature_names
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    what = f"{len(theirs)} inputs, wanted {len(ours)}" if at is None else f"input {at} is {theirs[at]!r}"
    raise ModelRefused("model_features", f"{what}, wanted {ours[at]!r}" if at is not None else what)


def predict_raw(
    trees: FlatTrees, matrix: NDArray[np.float64], out: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Raw scores (n,) of ``matrix`` (n, d) float64, equal bit for bit to ``Booster.predict(raw_score=True)``.

    ``out`` (n,) float64, contiguous, is filled and returned if given. NaN is missing; infinities are
    numbers. Raises ValueError if a shape or type does not fit.
    """
    if matrix.ndim != 2 or matrix.shape[1] != trees.features or matrix.dtype != np.float64:
        raise ValueError(f"matrix {matrix.dtype} {matrix.shape}, wanted float64 (n, {trees.features})")
    if out is None:
        out = np.empty(len(matrix))
    elif out.shape != (len(matrix),) or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise ValueError(f"out {out.dtype} {out.shape}, wanted contiguous float64 ({len(matrix)},)")
    sum_leaves(
        np.ascontiguousarray(matrix),
        trees.sources,
        trees.columns,
        trees.thresholds,
        trees.children,
        trees.masks,
        trees.first_node,
        trees.first_leaf,
        trees.values,
        out,
    )
    return out


def warm_up() -> None:
    """Compile the walker, or load it from numba's cache, on a tree that is one leaf."""
    nothing = np.zeros(0, np.int32)
    trees = FlatTrees(
        feature_names=("x",),
        sources=np.zeros((0, 3), np.int32),
        columns=nothing.astype(np.uint32),
        thresholds=np.zeros(0),
        children=np.zeros((0, 2), np.int32),
        masks=nothing.astype(np.uint64),
        first_node=np.zeros(2, np.int32),
        first_leaf=np.array([0, 1], np.int32),
        values=np.zeros(1),
    )
    predict_raw(trees, np.zeros((1, 1)))


def _flatten(names: tuple[str, ...], trees: Sequence[Tree]) -> FlatTrees:
    first_node = np.cumsum([0, *(len(tree.feature) for tree in trees)], dtype=np.int32)
    first_leaf = np.cumsum([0, *(len(tree.value) for tree in trees)], dtype=np.int32)
    sources, columns = _columns(trees)
    children = np.empty((first_node[-1], 2), dtype=np.int32)
    masks = np.full(first_node[-1], _ALL_LEAVES, dtype=np.uint64)
    values = np.empty(first_leaf[-1])
    for tree, node, leaf in zip(trees, first_node.tolist(), first_leaf.tolist(), strict=False):
        order, spans = _spans(tree)
        splits = slice(node, node + len(tree.feature))
        values[leaf : leaf + len(order)] = tree.value[order]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        for side, child in enumerate((tree.right, tree.left)):
            children[splits, side] = np.where(
                child >= 0, child + node, ~(place[~np.minimum(child, -1)] + leaf)
            )
        if len(order) <= MASK_LEAVES:
            masks[splits] = [_ALL_LEAVES ^ ((1 << end) - (1 << start)) for start, end in spans]
    thresholds = np.concatenate([tree.threshold for tree in trees])
    return FlatTrees(names, sources, columns, thresholds, children, masks, first_node, first_leaf, values)


def _columns(trees: Sequence[Tree]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """The distinct (input, missing type, default left) of all splits, and each split's place in them."""
    decision = np.concatenate([tree.decision for tree in trees])
    missing = decision >> MISSING_SHIFT
    left = np.where(missing == MISSING_NONE, 0, (decision & DEFAULT_LEFT_BIT) // DEFAULT_LEFT_BIT)
    keys = np.column_stack((np.concatenate([tree.feature for tree in trees]), missing, left))
    sources, columns = np.unique(keys, axis=0, return_inverse=True)
    return sources.astype(np.int32), columns.reshape(-1).astype(np.uint32)


def _spans(tree: Tree) -> tuple[list[int], list[tuple[int, int]]]:
    """Leaf numbers from left to right, and for each split the places [start, end) of its left subtree.

    Raises ModelRefused if a node cannot be reached from the root.
    """
    order: list[int] = []
    spans: dict[int, tuple[int, int]] = {}
    starts: dict[int, int] = {}
    stack = [0 if len(tree.feature) else -1]
    left, right = tree.left.tolist(), tree.right.tolist()
    while stack:
        node = stack.pop()
        if node < 0:
            order.append(~node)
        elif node in starts:
            spans[node] = (starts[node], len(order))
            stack.append(right[node])
        else:
            starts[node] = len(order)
            stack += (node, left[node])
    if len(order) != len(tree.value):
        raise damaged("a split cannot be reached from the root of its tree")
    return order, [spans[node] for node in range(len(spans))]
