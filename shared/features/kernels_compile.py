"""How every kernel is compiled, at one place.

No reference counting: kernels allocate nothing and keep nothing, and counting each look at an array cost
more than the fold itself (2.3 us of 3.2 per payment). So an array that a kernel needs for scratch is handed
to it. Division follows IEEE 754 and raises nothing; no fastmath and no parallel, because bits must hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final[dict[str, Any]] = {"cache": True, "error_model": "numpy", "_nrt": False}

kernel: Final[Callable[[F], F]] = njit(**_OPTIONS)

inlined: Final[Callable[[F], F]] = njit(**_OPTIONS, forceinline=True)
"""For a kernel of one caller and many arguments: to pass a `Window` cost more than most kinds' own work."""
