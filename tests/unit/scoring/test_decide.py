"""The policy as a table."""

from __future__ import annotations

import pytest

from shared.contracts.decisions import ACTIONS, Action, StateQuality
from shared.contracts.models import Policy
from shared.contracts.reasons import REASONS
from shared.scoring.decide import check_policy, decide, stricter

POLICY = Policy(challenge_at=0.2, review_at=0.5, decline_at=0.9, degraded_limit_minor=10_000)


@pytest.mark.parametrize(
    ("score", "quality", "amount", "action", "reasons", "threshold"),
    [
        (0.0, "exact", 1, "approve", ["score_low"], None),
        (0.19999, "exact", 10**9, "approve", ["score_low"], None),
        (0.2, "exact", 1, "challenge", ["score_challenge"], 0.2),
        (0.5, "exact", 1, "review", ["score_review"], 0.5),
        (0.9, "exact", 1, "decline", ["score_decline"], 0.9),
        (1.0, "exact", 1, "decline", ["score_decline"], 0.9),
        (None, "exact", 1, "approve", ["no_model"], None),
        (0.1, "rebuilding", 10_000, "approve", ["score_low", "state_rebuilding"], None),
        (0.1, "rebuilding", 10_001, "review", ["score_low", "state_rebuilding", "degraded_amount"], None),
        (
            0.3,
            "unavailable",
            10_001,
            "review",
            ["score_challenge", "state_unavailable", "degraded_amount"],
            0.2,
        ),
        (
            0.95,
            "unavailable",
            10_001,
            "decline",
            ["score_decline", "state_unavailable", "degraded_amount"],
            0.9,
        ),
        (None, "unavailable", 1, "approve", ["no_model", "state_unavailable"], None),
        (None, "unavailable", 10_001, "review", ["no_model", "state_unavailable", "degraded_amount"], None),
    ],
)
def test_the_table(
    score: float | None,
    quality: StateQuality,
    amount: int,
    action: Action,
    reasons: list[str],
    threshold: float | None,
) -> None:
    assert decide(POLICY, score, quality, amount, ()) == (action, reasons, threshold)
    assert all(reason in REASONS for reason in reasons)


@pytest.mark.parametrize(
    ("policy", "score", "action"),
    [
        (Policy(), 1.0, "approve"),
        (Policy(review_at=0.5), 0.9, "review"),
        (Policy(challenge_at=0.5), 0.9, "challenge"),
        (Policy(decline_at=0.0), 0.0, "decline"),
        (Policy(default_action="decline"), None, "decline"),
        (Policy(default_action="decline", review_at=0.5), 0.1, "approve"),
    ],
)
def test_actions_can_be_switched_off(policy: Policy, score: float | None, action: Action) -> None:
    assert decide(policy, score, "exact", 0, ()).action == action


def test_a_verdict_shares_no_list_with_another() -> None:
    one, other = (decide(POLICY, 0.1, "exact", 1, ()) for _ in range(2))
    one.reasons.append("x")
    assert other.reasons == ["score_low"]


def test_flags_change_nothing_and_a_score_that_is_no_number_is_refused() -> None:
    assert decide(POLICY, 0.3, "exact", 1, ("late",)) == decide(POLICY, 0.3, "exact", 1)
    with pytest.raises(ValueError, match="not a number"):
        decide(POLICY, float("nan"), "exact", 1, ())


def test_degraded_never_weakens() -> None:
    for score in (None, 0.0, 0.2, 0.5, 0.9):
        for degraded in ACTIONS:
            policy = Policy(
                challenge_at=0.2,
                review_at=0.5,
                decline_at=0.9,
                degraded_limit_minor=0,
                degraded_action=degraded,
            )
            exact = decide(policy, score, "exact", 5, ()).action
            other = decide(policy, score, "rebuilding", 5, ()).action
            assert other == stricter(exact, degraded) == stricter(degraded, exact)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(challenge_at=0.5, review_at=0.4),
        Policy(review_at=0.5, decline_at=0.4),
        Policy(challenge_at=0.5, decline_at=0.4),
        Policy(decline_at=1.01),
        Policy(challenge_at=-0.1),
        Policy(review_at=float("nan")),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(policy: Policy) -> None:
    check_policy(POLICY)
    check_policy(Policy())
    with pytest.raises(ValueError, match="threshold"):
        check_policy(policy)
