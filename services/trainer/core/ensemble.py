"""Several fits as one model: its raw score is the mean of theirs, and the scorer runs it as any other.

LightGBM's text lists trees whose leaves are summed. So the trees of all members, each leaf divided by the
number of members, stand in one list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_TREE: Final = "Tree="
_END: Final = "end of trees"
_SIZES: Final = "tree_sizes="
_IMPORTANCES: Final = "feature_importances:"
_SCALED: Final = ("leaf_value", "internal_value")


class _Parts(NamedTuple):
    """A model's text: lines before the trees, a text per tree without its number, lines behind them."""

    head: list[str]
    trees: list[str]
    tail: list[str]


def mean_of(texts: Sequence[str]) -> str:
    """One model text for the models ``texts``, equal in inputs and objective, in their order.

    One text comes back as it is. Raises ValueError for none, and for models of other inputs.
    """
    if len(texts) == 1:
        return texts[0]
    members = [_parts(text) for text in texts]
    if not members or any(_inputs(member) != _inputs(members[0]) for member in members):
        raise ValueError("an ensemble takes one or more models of the same inputs")
    trees = [_scaled(tree, len(members)) for member in members for tree in member.trees]
    numbered = [f"{_TREE}{number}\n{tree}" for number, tree in enumerate(trees)]
    sizes = _SIZES + " ".join(str(len(tree.encode())) for tree in numbered)
    head = [sizes if line.startswith(_SIZES) else line for line in members[0].head]
    return "\n".join(
        [*head, "".join(numbered) + _END, *_with_importances(members[0].tail, _used(head, trees))]
    )


def _parts(text: str) -> _Parts:
    body, _, tail = text.partition(f"{_END}\n")
    first, *trees = body.split(_TREE)
    return _Parts(first.split("\n"), [tree.partition("\n")[2] for tree in trees], tail.split("\n"))


def _inputs(member: _Parts) -> list[str]:
    return [line for line in member.head if line.startswith(("feature_names=", "objective=", "num_class="))]


def _scaled(tree: str, members: int) -> str:
    """17 digits give back the same float64, so the text holds the quotients themselves."""

    def divided(line: str) -> str:
        name, _, values = line.partition("=")
        if name not in _SCALED:
            return line
        return f"{name}={' '.join(f'{float(value) / members:.17g}' for value in values.split())}"

    return "\n".join(map(divided, tree.split("\n")))


def _used(head: Sequence[str], trees: Sequence[str]) -> list[str]:
    """How many splits ask for each input, most first, as LightGBM tells it."""
    names = next(line for line in head if line.startswith("feature_names=")).partition("=")[2].split(" ")
    counts: Counter[str] = Counter()
    for tree in trees:
        for line in re.findall(r"^split_feature=(.*)$", tree, re.MULTILINE):
            counts.update(names[int(place)] for place in line.split())
    return [f"{name}={count}" for name, count in counts.most_common()]


def _with_importances(tail: Sequence[str], used: Sequence[str]) -> Iterator[str]:
    is_inside = False
    for line in tail:
        if is_inside and line:
            continue
        is_inside = False
        yield line
        if line == _IMPORTANCES:
            is_inside = True
            yield from used
