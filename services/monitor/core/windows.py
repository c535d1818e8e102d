"""The rows of a closed window: each input and the score, against the training of the model that decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from shared.evaluation.drift import Drift, ModelReference, drift_of

from .readings import Reading
from .sampling import Sample

SCORE: str = "score"


class Judged(NamedTuple):
    """A model in a window: its samples under one or more releases, and its training."""

    model: str
    reference: ModelReference
    samples: list[Sample]


class WindowRow(NamedTuple):
    """What the table of drift holds for a window, a model and a subject."""

    window_ms: int
    model: str
    subject: str
    width_ms: int
    sample: int
    psi: float | None
    ks: float | None
    missing_ratio: float | None
    reference_missing_ratio: float | None


def window_rows(window_ms: int, width_ms: int, judged: Iterable[Judged]) -> list[WindowRow]:
    """Rows for every model. A sample of another number of inputs than the model has is left out."""
    return [
        WindowRow(
            window_ms,
            one.model,
            found.name,
            width_ms,
            found.sample,
            found.psi,
            found.ks,
            found.missing_ratio,
            found.reference_missing_ratio,
        )
        for one in judged
        for found in _drifts(one)
    ]


def drift_readings(rows: Iterable[WindowRow]) -> Iterator[Reading]:
    """What the rules of drift read of a window; nothing of what is below the sample floor."""
    for row in rows:
        if row.psi is not None:
            said = f"PSI {row.psi:.3f} over {row.sample} payments of {row.width_ms // 1000} s, {row.model}"
            is_score = row.subject == SCORE
            yield Reading(
                "drift_score" if is_score else "drift_feature", "" if is_score else row.subject, row.psi, said
            )


def _drifts(one: Judged) -> Iterator[Drift]:
    inputs = len(one.reference.features)
    fitting = [sample for sample in one.samples if sample.vectors.shape[1] == inputs]
    if not fitting:
        return
    vectors = np.concatenate([sample.vectors for sample in fitting])
    for reference, column in zip(one.reference.features, vectors.T, strict=True):
        yield drift_of(reference, column)
    yield drift_of(one.reference.score, np.concatenate([sample.scores for sample in fitting]))
