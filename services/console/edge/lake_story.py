"""One payment's story from the lake. What reads the lake is loaded when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from services.console.core.lineage import decision_of, label_of
from shared.contracts.codec import decode_transaction
from shared.contracts.decisions import Decision
from shared.contracts.payments import Label, Transaction


class Story(Struct, frozen=True, kw_only=True):
    """What the lake has of a payment; ``raw`` are its bytes as received, ``vector`` its features (d,)."""

    decision: Decision | None = None
    attempts: int = 0
    raw: bytes | None = None
    vector: list[float | None] | None = None
    label: Label | None = None


class Stories(Protocol):
    """Stories by tx_id or decision_id. Blocks. Raises LakeAway."""

    def story(self, any_id: str) -> Story: ...
    def payments(self, tx_ids: Sequence[str]) -> dict[str, Transaction]:
        """Those of the payments that are known, as they were received."""
        ...


class MemoryStories:
    """Stories that were put in."""

    def __init__(self) -> None:
        self.by_tx: dict[str, Story] = {}

    def story(self, any_id: str) -> Story:
        """The story, an empty one where none was put in."""
        of_decision = (s for s in self.by_tx.values() if s.decision and s.decision.decision_id == any_id)
        return self.by_tx.get(any_id) or next(of_decision, Story())

    def payments(self, tx_ids: Sequence[str]) -> dict[str, Transaction]:
        """Those that were put in."""
        known = {tx_id: self.by_tx[tx_id].raw for tx_id in tx_ids if tx_id in self.by_tx}
        return {tx_id: decode_transaction(raw) for tx_id, raw in known.items() if raw}


class LakeStories:
    """One look at a time: it takes a core for some milliseconds. Where there is no lake, nothing is known."""

    def __init__(self, root: Path, portfolio: str) -> None:
        self._root = root
        self._portfolio = portfolio
        self._turn = threading.Lock()
        self._reader: Any = None

    def story(self, any_id: str) -> Story:
        """What the lake has of a payment or decision. Raises LakeAway."""
        with self._turn:
            reader = self._opened()
            return Story() if reader is None else self._read(reader, any_id)

    def payments(self, tx_ids: Sequence[str]) -> dict[str, Transaction]:
        """Those that the lake has. Raises LakeAway."""
        with self._turn:
            reader = self._opened()
            rows = [] if reader is None else reader.transactions_by_tx(self._portfolio, tx_ids)
        return {row["tx_id"]: decode_transaction(row["raw_bytes"]) for row in rows}

    def _read(self, reader: Any, any_id: str) -> Story:
        decisions = reader.decision_copies(self._portfolio, any_id)
        first = decisions.row(0, named=True) if decisions.height else None
        tx_id, day = (first["tx_id"], first["event_day"]) if first else (any_id, None)
        payment = self._payment(reader, tx_id, day)
        day = payment["event_day"] if payment and day is None else day
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

    def _payment(self, reader: Any, tx_id: str, day: date | None) -> Any:
        """The payment of its decision's ``day``; of another one where its time was clamped."""
        found = None if day is None else reader.transaction_by_tx(self._portfolio, tx_id, day)
        return found or reader.transaction_by_tx(self._portfolio, tx_id)

    def _opened(self) -> Any:
        if self._reader is None and self._root.is_dir():
            # Its libraries take seconds and a hundred megabytes, which a page without a lake never needs.
            from shared.stores.lake_read import LakeReader

            self._reader = LakeReader(self._root)
        return self._reader
