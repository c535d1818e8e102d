"""Every kind of feature: what each is called, takes, measures, and means when it is missing."""

from __future__ import annotations

from typing import Final

from .kind import KindSpec, Span, Stream
from .table import TABLE

__all__ = ["CODES", "KINDS", "NAMES", "KindSpec", "Span", "Stream"]

KINDS: Final[dict[str, KindSpec]] = {kind.name: kind for kind in TABLE}
"""Every kind by name."""

NAMES: Final = tuple(KINDS)
"""A kind's code in a program is its place here. No hash holds it, so a new kind may stand anywhere."""

CODES: Final = {name: code for code, name in enumerate(NAMES)}
