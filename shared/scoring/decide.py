"""The policy: from one calibrated score to an action with its reasons. A pure function of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.contracts.decisions import ACTIONS, Action, StateQuality
from shared.contracts.models import Policy

_RANK: Final = {action: rank for rank, action in enumerate(ACTIONS)}
_STATE_REASONS: Final = {"rebuilding": "state_rebuilding", "unavailable": "state_unavailable"}


class Verdict(NamedTuple):
    """What to do: the reason codes in the order they arose, and the score threshold that was reached."""

    action: Action
    reasons: list[str]
    threshold: float | None


def decide(
    policy: Policy,
    score: float | None,
    state_quality: StateQuality,
    amount_base_minor: int,
    flags: Sequence[str] = (),
) -> Verdict:
    """The verdict on one payment; ``score`` is a probability, ``None`` where the release has no champion.

    The strictest threshold reached decides, decline before review before challenge; below all of them
    the payment is approved. Where state is not exact, the reasons say so, and an amount above
    ``degraded_limit_minor`` takes ``degraded_action`` unless the score asked for something stricter.
    ``flags`` are facts for the record; no rule of today's policy reads them. Raises ValueError for a
    score that is no number.
    """
    verdict = _by_score(policy, score)
    if state_quality == "exact":
        return verdict
    verdict.reasons.append(_STATE_REASONS[state_quality])
    if amount_base_minor <= policy.degraded_limit_minor:
        return verdict
    verdict.reasons.append("degraded_amount")
    return Verdict(stricter(verdict.action, policy.degraded_action), verdict.reasons, verdict.threshold)


def stricter(one: Action, other: Action) -> Action:
    """The stricter of two actions, in the order of `contracts.decisions.ACTIONS`."""
    return one if _RANK[one] >= _RANK[other] else other


def check_policy(policy: Policy) -> None:
    """Raises ValueError for a threshold outside [0, 1] or a stricter action with a lower threshold.

    Before a release is published; `decide` itself takes any policy.
    """
    thresholds = [t for t in (policy.challenge_at, policy.review_at, policy.decline_at) if t is not None]
    if any(not 0.0 <= threshold <= 1.0 for threshold in thresholds):
        raise ValueError("a threshold is a probability between 0 and 1")
    if thresholds != sorted(thresholds):
        raise ValueError("thresholds rise from challenge to review to decline")


def _by_score(policy: Policy, score: float | None) -> Verdict:
    if score is None:
        return Verdict(policy.default_action, ["no_model"], None)
    if score != score:
        raise ValueError("the score is not a number")
    if (at := policy.decline_at) is not None and score >= at:
        return Verdict("decline", ["score_decline"], at)
    if (at := policy.review_at) is not None and score >= at:
        return Verdict("review", ["score_review"], at)
    if (at := policy.challenge_at) is not None and score >= at:
        return Verdict("challenge", ["score_challenge"], at)
    return Verdict("approve", ["score_low"], None)
