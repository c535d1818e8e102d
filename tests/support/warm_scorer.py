"""Imported by the process that workers are forked from: what takes seconds of a processor, done once."""

from __future__ import annotations

import services.scorer.__main__  # noqa: F401 - what a worker runs
from services.scorer.settings import ScorerSettings
from shared.runtime import numba_cache


def _warm_up() -> None:
    import services.scorer.wiring  # noqa: F401 - all that a worker is made of
    from services.scorer.edge.warm_up import warm_up
    from shared.features.rows import RowEncoder
    from shared.stores.portfolio_files import read_feature_set

    features = read_feature_set("bank")
    warm_up(features, RowEncoder(features, b"k" * 32))


numba_cache.prepare(ScorerSettings().data_dir)  # before numba is imported
_warm_up()
