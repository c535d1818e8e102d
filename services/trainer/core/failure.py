"""The card of a training that gave no model: apart, so that announcing it needs no library that trains."""

from __future__ import annotations

from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest


def failed_card(request: TrainingRequest, detail: str) -> ModelCard:
    """The card of a training that gave no model."""
    return ModelCard(
        v=1,
        request_id=request.request_id,
        portfolio=request.portfolio,
        outcome="failed",
        at_ms=request.at_ms,
        as_of_ms=request.as_of_ms,
        detail=detail[:4096],
    )
