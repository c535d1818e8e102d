"""Times in few numbers: bins that grow by the eighth root of two, and quantiles read from them.

Bin 0 holds times below 1, also negative ones (clocks of two machines differ). Bin b from 1 on holds times
from ``edge(b)`` = 2 ** ((b - 1) / 8) up to ``edge(b + 1)``, that one excluded; the last bin holds everything
above. The unit is the caller's. A quantile is told by the geometric middle of its bin, so it is at most
`RELATIVE_ERROR` away from a time of that rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

PER_DOUBLING: Final = 8
LAST: Final = 240
"""It begins at 2 ** (239 / 8), about 9.8e8: 11 days in ms, 16 minutes in us."""
RELATIVE_ERROR: Final = 2 ** (0.5 / PER_DOUBLING) - 1
"""4.4 %."""

_EDGES: Final = np.array([2.0 ** (b / PER_DOUBLING) for b in range(LAST)])


def edge(number: int) -> float:
    """The smallest time of bin ``number``; -inf for bin 0. Raises ValueError outside 0 to `LAST`."""
    if not 0 <= number <= LAST:
        raise ValueError(f"there is no bin {number}")
    return float(_EDGES[number - 1]) if number else -math.inf


def bins_of(times: Iterable[float]) -> NDArray[np.int64]:
    """The bins (n,) of ``times``, n of them."""
    found: NDArray[np.int64] = np.searchsorted(_EDGES, np.fromiter(times, np.float64), side="right")
    return found


def middle(number: int) -> float:
    """The time that stands for bin ``number``: 0 for bin 0, else its geometric middle."""
    return edge(number) * 2 ** (0.5 / PER_DOUBLING) if number else 0.0


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The time of rank ``ceil(share * n)`` of n times counted by bin; None without a time.

    Raises ValueError for a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share}")
    rank = math.ceil(share * sum(counts.values()))
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if rank and seen >= rank:
            return middle(number)
    return None
