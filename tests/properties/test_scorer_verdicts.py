"""The answers to a batch are those that the policy gives to each payment alone."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.scorer.core.captures import action_codes
from shared.contracts.decisions import ACTIONS, STATE_QUALITIES, StateQuality
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.features.compiled import FeatureSet
from shared.scoring.decide import decide
from shared.scoring.deciding import Answers, Deciding, Lane, Scores, verdicts

THRESHOLD = st.none() | st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
SCORE = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
FLAGS = st.sampled_from([(), (), (), ("ahead",), ("late",), ("ahead", "late")])
PAYMENT = st.tuples(SCORE, st.integers(0, 400), FLAGS)
NO_NUMBER = st.tuples(st.sampled_from([math.nan, -math.nan]), st.integers(0, 400), FLAGS)
POLICY = st.builds(
    Policy,
    challenge_at=THRESHOLD,
    review_at=THRESHOLD,
    decline_at=THRESHOLD,
    degraded_limit_minor=st.just(200),
    degraded_action=st.sampled_from(ACTIONS),
)


def deciding(policy: Policy, with_model: bool) -> Deciding:
    model = ModelRef(name="m", version="1", artefact="a" * 64)
    content = ReleaseContent(
        portfolio="p",
        feature_set="f",
        layout="l",
        champion=model,
        challengers=[],
        shadows=[],
        rules=[],
        lists=[],
        policy=policy,
        rates_ppm={},
        split_salt="",
    )
    release = Release(
        v=1,
        seq=1,
        at_ms=1,
        by="b",
        reason="r",
        content=content,
        prev_hash="",
        hash="h",
        signer="s",
        signature="",
        request_id="q",
    )
    lane = Lane("champion", model, cast(Any, None), cast(Any, None))
    return Deciding(release, cast(FeatureSet, None), (lane,) if with_model else ())


Payment = tuple[float, int, tuple[str, ...]]


def asked(policy: Policy, with_model: bool, quality: StateQuality, payments: list[Payment]) -> Answers:
    """The answers to payments of a score, an amount and flags."""
    score = np.array([[score for score, _, _ in payments]] * with_model, np.float64)
    amounts = np.array([amount for _, amount, _ in payments], np.int64)
    scores = Scores(np.empty_like(score), score.reshape(int(with_model), len(payments)))
    flags = [found for _, _, found in payments]
    return verdicts(deciding(policy, with_model), amounts, flags, scores, quality)


@given(POLICY, st.booleans(), st.sampled_from(STATE_QUALITIES), st.lists(PAYMENT, max_size=12))
def test_a_batch_is_answered_as_each_payment_would_be(
    policy: Policy, with_model: bool, quality: StateQuality, payments: list[Payment]
) -> None:
    answers = asked(policy, with_model, quality, payments)
    told: dict[str, int] = {}
    for i, (score, amount, found) in enumerate(payments):
        verdict, seen = answers.choices[answers.codes[i]]
        assert seen == found
        assert verdict == decide(policy, score if with_model else None, quality, amount, found)
        assert ACTIONS[action_codes(answers)[i]] == verdict.action
        told[verdict.action] = told.get(verdict.action, 0) + 1
    assert answers.actions() == told


@given(
    POLICY,
    st.sampled_from(STATE_QUALITIES),
    st.lists(PAYMENT, max_size=6),
    st.lists(NO_NUMBER, min_size=1, max_size=2),
    st.integers(0, 8),
)
# The last payment agrees with the first in all but its score, which stands above every threshold.
@example(Policy(decline_at=0.8), "exact", [(0.9, 5, ())], [(math.nan, 5, ())], 1)
@example(Policy(), "exact", [(0.9, 5, ())], [(math.nan, 5, ())], 1)
@example(Policy(decline_at=0.8), "exact", [(0.1, 5, ()), (0.9, 5, ())], [(-math.nan, 5, ())], 0)
def test_a_score_that_is_no_number_never_gets_the_answer_of_another_payment(
    policy: Policy, quality: StateQuality, good: list[Payment], bad: list[Payment], at: int
) -> None:
    with pytest.raises(ValueError, match="the score is not a number"):
        asked(policy, True, quality, good[:at] + bad + good[at:])


@given(POLICY, st.sampled_from(STATE_QUALITIES), st.lists(PAYMENT, min_size=1, max_size=6))
def test_only_the_champions_score_decides(
    policy: Policy, quality: StateQuality, payments: list[Payment]
) -> None:
    one = deciding(policy, True)
    shadow = Lane("shadow", one.lanes[0].model, cast(Any, None), cast(Any, None))
    two = Deciding(one.release, one.feature_set, (*one.lanes, shadow))
    amounts = np.array([amount for _, amount, _ in payments], np.int64)
    flags = [found for _, _, found in payments]
    score = np.array([score for score, _, _ in payments])
    both = np.array([score, 1.0 - score])
    answers = verdicts(two, amounts, flags, Scores(both, both), quality)
    alone = asked(policy, True, quality, payments)
    assert answers.choices == alone.choices
    assert answers.codes.tolist() == alone.codes.tolist()
