"""Parameters that a portfolio may choose, and those it may not."""

from __future__ import annotations

import pytest

from services.trainer.core.fit import resolve_parameters
from services.trainer.core.window import TrainingImpossible
from shared.features.mapping import Training


def test_the_portfolio_chooses_over_our_defaults() -> None:
    training = Training(parameters={"num_leaves": 8, "extra_trees": True}, seeds=(5,))
    found = resolve_parameters(training, 0)
    assert (found["num_leaves"], found["extra_trees"], found["seed"]) == (8, "true", 5)
    assert resolve_parameters(training, 9)["seed"] == 9


@pytest.mark.parametrize(
    ("training", "words"),
    [
        (Training(parameters={"max_depth": 9}), "max_depth lies from 1 to 8"),
        (Training(parameters={"max_depth": -1}), "max_depth lies from 1 to 8"),
        (Training(parameters={"num_threads": 8}), "num_threads is fixed at 1"),
        (Training(parameters={"linear_tree": True}), "linear_tree is fixed"),
        (Training(parameters={"deterministic": False}), "deterministic is fixed"),
        (Training(seeds=(1, 2)), "several seeds"),
        (Training(seeds=()), "seeds"),
        (Training(genuine_share=0.0), "genuine_share"),
    ],
)
def test_what_would_not_repeat_or_run_is_refused(training: Training, words: str) -> None:
    with pytest.raises(TrainingImpossible, match=words):
        resolve_parameters(training, 0)
