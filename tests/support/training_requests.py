"""A request for training, as tests of the trainer ask for it."""

from __future__ import annotations

from typing import Final

from shared.contracts.operations import TrainingRequest

AT_MS: Final = 1_700_000_000_000


def request(request_id: str = "r1") -> TrainingRequest:
    """One for the portfolio `bank`."""
    return TrainingRequest(
        v=1,
        request_id=request_id,
        portfolio="bank",
        as_of_ms=AT_MS,
        days=7,
        at_ms=AT_MS,
        by="ann",
        reason="cadence",
    )
