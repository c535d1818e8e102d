"""Decisions of any payment from the lake. What reads it is loaded when it is first asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any


class LakeDecisions:
    """One look at a time: it takes a core for some milliseconds, and payments come first."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._turn = threading.Lock()
        self._reader: Any = None

    def decision_by_tx(self, portfolio: str, tx_id: str) -> dict[str, Any] | None:
        """The decision, or None, also where there is no lake yet. Blocks."""
        with self._turn:
            if self._reader is None:
                if not self._root.is_dir():
                    return None
                # Its libraries take seconds and a hundred megabytes, which most gateways never need.
                from shared.stores.lake_read import LakeReader

                self._reader = LakeReader(self._root)
            found: dict[str, Any] | None = self._reader.decision_by_tx(portfolio, tx_id)
            return found
