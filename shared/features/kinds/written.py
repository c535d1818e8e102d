"""The text of `dispatch.py`, which numba wants to see as plain comparisons with numbers in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .kind import KindSpec

_HEAD: Final = '''\
"""Which kernel answers for which kind of feature. Made by `make docs` from `kinds/table.py`: edit that."""

from __future__ import annotations

import numpy as np

from .kernels_compile import inlined, kernel
from .kernels_window import Window
'''

_EVALUATE: Final = '''

@inlined
def evaluate(kind: int, w: Window) -> float:
    """The value of a timeline feature over its window; NaN for a code that is no timeline kind."""
'''

_PART: Final = """

@inlined
def _evaluate_from_{first}(kind: int, w: Window) -> float:
"""
_PART_KINDS: Final = 20
"""How many kinds a function answers for, so that it stays short."""

_GATHER: Final = '''

@inlined
def gather(fold: int, w: Window) -> None:
    """Pass over the window once for all features that share what the fold holds."""
'''

_COMBINE: Final = '''

@kernel
def combine(kind: int, left: float, right: float) -> float:
    """The value of an arithmetic feature of two others; NaN for a code that is none."""
'''


def dispatch_text(kinds: Sequence[KindSpec], folds: Sequence[str]) -> str:
    """The module for ``kinds`` in the order of their codes and ``folds`` in that of theirs."""
    timeline = [(code, kind) for code, kind in enumerate(kinds) if kind.entity]
    arithmetic = [(code, kind) for code, kind in enumerate(kinds) if kind.operands]
    files = {name.partition(".")[0] for kind in kinds for name in (kind.kernel, kind.fold) if name}
    return "".join(
        [
            _HEAD,
            "from .kinds import (\n",
            *(f"    {name},\n" for name in sorted(files)),
            ")\n",
            *(part for parts in _parts(timeline) for part in parts),
            _GATHER,
            *(f"    if fold == {code}:\n        {name}(w)\n" for code, name in enumerate(folds)),
            _COMBINE,
            *_answers(arithmetic, "left, right"),
        ]
    )


def _parts(timeline: Sequence[tuple[int, KindSpec]]) -> Iterable[list[str]]:
    """Functions for some kinds each, and the one that asks them."""
    asked = []
    for at in range(0, len(timeline), _PART_KINDS):
        part = timeline[at : at + _PART_KINDS]
        first, last = part[0][0], part[-1][0]
        asked.append(f"    if {first} <= kind <= {last}:\n        return _evaluate_from_{first}(kind, w)\n")
        yield [_PART.format(first=first), *_answers(part, "w")]
    yield [_EVALUATE, *asked, "    return np.nan\n"]


def _answers(kinds: Iterable[tuple[int, KindSpec]], given: str) -> list[str]:
    lines = [f"    if kind == {code}:  # {k.name}\n        return {k.kernel}({given})\n" for code, k in kinds]
    return [*lines, "    return np.nan\n"]
