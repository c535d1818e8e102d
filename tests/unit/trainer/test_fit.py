"""Parameters that a portfolio may choose, and those it may not."""

from __future__ import annotations

import pytest

from services.trainer.core.fit import MAX_MEMBERS, resolve_members
from services.trainer.core.window import TrainingImpossible
from shared.features.mapping import Training


def test_the_portfolio_chooses_over_our_defaults() -> None:
    training = Training(parameters={"num_leaves": 8, "extra_trees": True}, seeds=(5,))
    (found,) = resolve_members(training, 0)
    assert (found["num_leaves"], found["extra_trees"], found["seed"]) == (8, "true", 5)
    assert [member["seed"] for member in resolve_members(training, 9)] == [9]
    several = resolve_members(Training(seeds=(5, 7)), 0)
    assert [member["seed"] for member in several] == [5, 7]


@pytest.mark.parametrize(
    ("training", "words"),
    [
        (Training(parameters={"max_depth": 9}), "max_depth lies from 1 to 8"),
        (Training(parameters={"max_depth": -1}), "max_depth lies from 1 to 8"),
        (Training(parameters={"num_threads": 8}), "num_threads is fixed at 1"),
        (Training(parameters={"linear_tree": True}), "linear_tree is fixed"),
        (Training(parameters={"deterministic": False}), "deterministic is fixed"),
        (Training(seeds=(1, 1)), "each with its own seed"),
        (Training(seeds=()), "mean of 1 to 10 fits"),
        (Training(seeds=tuple(range(1, MAX_MEMBERS + 2))), "mean of 1 to 10 fits"),
        (Training(genuine_share=0.0), "genuine_share"),
    ],
)
def test_what_would_not_repeat_or_run_is_refused(training: Training, words: str) -> None:
    with pytest.raises(TrainingImpossible, match=words):
        resolve_members(training, 0)
