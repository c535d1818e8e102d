"""Imported by the process that workers are forked from: what takes seconds of a processor, done once."""

from __future__ import annotations

from pathlib import Path

import services.scorer.__main__  # noqa: F401 - what a worker runs
from services.scorer.settings import ScorerSettings
from shared.runtime import numba_cache


def _warm_up(cache: Path) -> None:
    import services.scorer.wiring  # noqa: F401 - all that a worker is made of
    from services.scorer.edge.warm_up import compile_apart, warm_up
    from shared.features.rows import RowEncoder
    from shared.stores.portfolio_files import read_feature_set

    compile_apart(cache, "bank", None)
    features = read_feature_set("bank")
    warm_up(features, RowEncoder(features, b"k" * 32))


_warm_up(numba_cache.prepare(ScorerSettings().data_dir))  # before numba is imported
