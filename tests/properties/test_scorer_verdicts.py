"""The answers to a batch are those that the policy gives to each payment alone."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.captures import action_codes
from services.scorer.core.deciding import Deciding, Lane, Scores, verdicts
from shared.contracts.decisions import ACTIONS, STATE_QUALITIES, StateQuality
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.features.compiled import FeatureSet
from shared.scoring.decide import decide

THRESHOLD = st.none() | st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
SCORE = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
FLAGS = st.sampled_from([(), (), (), ("ahead",), ("late",), ("ahead", "late")])
PAYMENT = st.tuples(SCORE, st.integers(0, 400), FLAGS)
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


@given(POLICY, st.booleans(), st.sampled_from(STATE_QUALITIES), st.lists(PAYMENT, max_size=12))
def test_a_batch_is_answered_as_each_payment_would_be(
    policy: Policy,
    with_model: bool,
    quality: StateQuality,
    payments: list[tuple[float, int, tuple[str, ...]]],
) -> None:
    scores = np.array([score for score, _, _ in payments], np.float64)
    amounts = np.array([amount for _, amount, _ in payments], np.int64)
    flags = [found for _, _, found in payments]
    raw = np.empty((int(with_model), len(payments)))
    answers = verdicts(
        deciding(policy, with_model), amounts, flags, Scores(raw, scores[None, :][: len(raw)]), quality
    )
    told: dict[str, int] = {}
    for i, (score, amount, found) in enumerate(payments):
        verdict, seen = answers.choices[answers.codes[i]]
        assert seen == found
        assert verdict == decide(policy, score if with_model else None, quality, amount, found)
        assert ACTIONS[action_codes(answers)[i]] == verdict.action
        told[verdict.action] = told.get(verdict.action, 0) + 1
    assert answers.actions() == told
