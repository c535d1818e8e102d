"""Payments and decisions from the lake. What reads it is loaded when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class GatewayLake:
    """One look at a time: it takes a core for some milliseconds, and payments come first.

    All methods block and raise LakeAway; where there is no lake yet, nothing is known.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._turn = threading.Lock()
        self._reader: Any = None

    def decision_by_tx(self, portfolio: str, tx_id: str) -> dict[str, Any] | None:
        """The decision, or None."""
        with self._turn:
            reader = self._opened()
            found: dict[str, Any] | None = reader and reader.decision_by_tx(portfolio, tx_id)
            return found

    def transactions_by_tx(self, portfolio: str, tx_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the payments that the lake has."""
        with self._turn:
            reader = self._opened()
            found: list[dict[str, Any]] = reader.transactions_by_tx(portfolio, tx_ids) if reader else []
            return found

    def _opened(self) -> Any:
        if self._reader is None and self._root.is_dir():
            # Its libraries take seconds and a hundred megabytes, which most gateways never need.
            from shared.stores.lake_read import LakeReader

            self._reader = LakeReader(self._root)
        return self._reader
