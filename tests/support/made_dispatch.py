"""Writes `shared/features/dispatch.py` from the table of kinds: ``python -m tests.support.made_dispatch``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.features.kernels_plan import FOLDS
from shared.features.kinds import KINDS
from shared.features.kinds.written import dispatch_text

FILE: Final = Path(__file__).parents[2] / "shared" / "features" / "dispatch.py"


def text() -> str:
    """What the file must hold."""
    return dispatch_text(tuple(KINDS.values()), FOLDS)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
