"""Compiles and loads every kernel before the first partition is taken."""

from __future__ import annotations

from shared.features.compiled import FeatureSet
from shared.features.timelines import warm_up as warm_up_timelines


def warm_up(feature_set: FeatureSet) -> None:
    """The fold's kernels; those of the walker are compiled when a release's model is admitted."""
    warm_up_timelines(feature_set)
