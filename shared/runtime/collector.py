"""Python's garbage collector, told what is no garbage."""

from __future__ import annotations

import gc


def spare(thresholds: tuple[int, int, int]) -> None:
    """Look through everything once and never again; from now on look as seldom as ``thresholds`` say."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)
