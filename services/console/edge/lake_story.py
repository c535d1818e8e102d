"""One payment's story from the lake. What reads the lake is loaded when it is first asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from services.console.core.lineage import decision_of, label_of
from shared.contracts.decisions import Decision
from shared.contracts.payments import Label


class Story(Struct, frozen=True, kw_only=True):
    """What the lake has of a payment; ``raw`` are its bytes as received, ``vector`` its features (d,)."""

    decision: Decision | None = None
    attempts: int = 0
    raw: bytes | None = None
    vector: list[float | None] | None = None
    label: Label | None = None


class Stories(Protocol):
    """Stories by tx_id. Blocks. Raises LakeAway."""

    def story(self, tx_id: str) -> Story: ...


class MemoryStories:
    """Stories that were put in."""

    def __init__(self) -> None:
        self.by_tx: dict[str, Story] = {}

    def story(self, tx_id: str) -> Story:
        """The story, an empty one where none was put in."""
        return self.by_tx.get(tx_id, Story())


class LakeStories:
    """One look at a time: it takes a core for some milliseconds. Where there is no lake, nothing is known."""

    def __init__(self, root: Path, portfolio: str) -> None:
        self._root = root
        self._portfolio = portfolio
        self._turn = threading.Lock()
        self._reader: Any = None

    def story(self, tx_id: str) -> Story:
        """What the lake has of ``tx_id``. Raises LakeAway."""
        with self._turn:
            reader = self._opened()
            return Story() if reader is None else self._read(reader, tx_id)

    def _read(self, reader: Any, tx_id: str) -> Story:
        from shared.stores.lake_scan import day_of

        decisions = reader.scan.find("decisions", self._portfolio, tx_id).sort("partition", "offset")
        payment = reader.transaction_by_tx(self._portfolio, tx_id)
        first = decisions.row(0, named=True) if decisions.height else None
        at_ms = (first or payment or {}).get("event_time_ms")
        day = None if at_ms is None else day_of(at_ms)
        captures = reader.scan.find("captures", self._portfolio, tx_id, day)
        scored = captures.filter(captures["vector"].is_not_null())
        labels = reader.scan.find("labels", self._portfolio, tx_id).sort("known_at_ms")
        return Story(
            decision=decision_of(first) if first else None,
            attempts=decisions.height,
            raw=payment["raw_bytes"] if payment else None,
            vector=scored["vector"][0].to_list() if scored.height else None,
            label=label_of(labels.row(-1, named=True)) if labels.height else None,
        )

    def _opened(self) -> Any:
        if self._reader is None and self._root.is_dir():
            # Its libraries take seconds and a hundred megabytes, which a page without a lake never needs.
            from shared.stores.lake_read import LakeReader

            self._reader = LakeReader(self._root)
        return self._reader
