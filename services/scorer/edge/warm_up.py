"""Compiles and loads every kernel before the first partition is taken."""

from __future__ import annotations

from services.scorer.core.rows_text import warm_up as warm_up_text
from shared.features.compiled import FeatureSet
from shared.features.timelines import warm_up as warm_up_timelines


def warm_up(feature_set: FeatureSet) -> None:
    """The kernels of the fold and of the records; the walker's compile when a release's model is admitted."""
    warm_up_timelines(feature_set)
    warm_up_text()
