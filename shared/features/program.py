"""The compiled features as parallel arrays, the form that the numba kernels read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Program(NamedTuple):
    """One entry per feature, shape (d,), in the order of the matrix's columns.

    ``kind`` is a code of `kinds.CODES`. ``entity`` is the position of the entity whose timeline is read,
    -1 for features that read none. ``stream`` says which records of it: 0 transactions, 1 labels, 2 + k the
    activity kind at position k of the vocabulary (its rows carry ``kind`` = stream + 1). The window is
    (t - offset - window, t - offset], both in ms. ``self`` is 1 where the row counts itself. ``column`` is
    the position among the layout's extra columns, -1 none. ``left`` and ``right`` are columns of the matrix
    for arithmetic, always smaller than the feature's own column, so one pass in order settles them; -1 none.
    ``p0`` and ``p1`` are the kind's parameters in their declared order, 0.0 where it has none; ``span_ms`` is
    its second duration, 0 where it has none. ``grain_ms`` is 0 where the window's edges are exact,
    else the length of the buckets that they are moved to: see `spec.FeatureSpec`.

    Kinds without a kernel are filled from the payment alone (`rowwise`) before the fold.
    """

    kind: NDArray[np.int32]
    entity: NDArray[np.int32]
    stream: NDArray[np.int32]
    window_ms: NDArray[np.int64]
    offset_ms: NDArray[np.int64]
    self: NDArray[np.uint8]
    column: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    p0: NDArray[np.float64]
    p1: NDArray[np.float64]
    span_ms: NDArray[np.int64]
    grain_ms: NDArray[np.int64]
