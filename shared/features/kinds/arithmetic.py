"""Arithmetic of two other features; a missing operand makes the result missing."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel


@kernel
def difference(left: float, right: float) -> float:
    """left - right."""
    return left - right


@kernel
def total(left: float, right: float) -> float:
    """left + right."""
    return left + right


@kernel
def quotient(left: float, right: float) -> float:
    """left / right, NaN if right is 0; also what `share` means for two counts."""
    return left / right if right != 0.0 else np.nan
