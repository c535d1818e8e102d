"""Arithmetic features, filled once the columns that they are made of stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dispatch import combine
from .kernels_compile import kernel
from .program import Program


@kernel
def _settle(
    kinds: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    features: NDArray[np.int64],
    matrix: NDArray[np.float64],
) -> None:
    for i in range(len(matrix)):
        for k in range(len(features)):
            f = features[k]
            matrix[i, f] = combine(kinds[f], matrix[i, left[f]], matrix[i, right[f]])


def settle(program: Program, features: NDArray[np.int64], matrix: NDArray[np.float64]) -> None:
    """Fill the arithmetic ``features`` of ``matrix`` (n, d), as `kernels_plan.arithmetic_of` names them."""
    if len(features):
        _settle(program.kind, program.left, program.right, features, matrix)
