"""Labels that come as a file: rows to labels, audited, confirmed by Kafka, and told row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Final

from services.console.core.label_rows import ReadRow, label, read_rows
from services.console.core.refusal import Refused
from services.console.core.views import RowRefusal, UploadView
from shared.bus.ports import LogAway
from shared.contracts.decisions import Decision
from shared.contracts.payments import Label, Transaction
from shared.runtime.clock import Clock
from shared.stores.audit_writer import Audit

from .held import Held
from .lake_story import Stories

FILE_BYTES: Final = 1 << 20
NAME_BYTES: Final = 8
ACTION: Final = "labels_upload"

SendLabels = Callable[[Sequence[Label]], object]
"""Blocks until the broker has confirmed every one. Raises LogAway: which of them it has is not known then."""


class Uploads:
    """Takes files. Good rows go, refused ones are told; a row that comes again has the same id."""

    def __init__(
        self, held: Held, stories: Stories, audit: Audit, send_labels: SendLabels, clock: Clock
    ) -> None:
        self._held = held
        self._stories = stories
        self._audit = audit
        self._send_labels = send_labels
        self._clock = clock

    async def take(self, raw: bytes, name: str, request_id: str) -> UploadView:
        """What became of each row of ``raw``, which ``name`` sent.

        Raises Refused (a file that cannot be read; `labels_unconfirmed`), LakeAway, KafkaAway.
        """
        rows, refused = await asyncio.to_thread(read_rows, raw)
        return await asyncio.to_thread(self._take, raw, rows, refused, name, request_id)

    def _take(
        self,
        raw: bytes,
        rows: Sequence[ReadRow],
        refused: Sequence[RowRefusal],
        name: str,
        request_id: str,
    ) -> UploadView:
        payments, now_ms = self._payments(rows), self._clock.now_ms()
        labels = [label(row, payments[row.tx_id], now_ms) for _, row in rows if row.tx_id in payments]
        unknown = [
            RowRefusal(line=line, code="label_unknown_tx", field="tx_id")
            for line, row in rows
            if row.tx_id not in payments
        ]
        if labels:
            self._send(labels, blake2b(raw, digest_size=NAME_BYTES).hexdigest(), name, request_id)
        told = sorted([*refused, *unknown], key=lambda refusal: refusal.line)
        return UploadView(accepted=len(labels), refused=told)

    def _payments(self, rows: Sequence[ReadRow]) -> Mapping[str, Transaction | Decision]:
        """Payments of the lake with all their entities; what it has not got yet, as memory knows it."""
        wanted = sorted({row.tx_id for _, row in rows})
        recent = {tx_id: self._held.recent.decision(tx_id) for tx_id in wanted}
        known = {tx_id: found for tx_id, found in recent.items() if found and found.tx_id == tx_id}
        return {**known, **(self._stories.payments(wanted) if wanted else {})}

    def _send(self, labels: Sequence[Label], file: str, name: str, request_id: str) -> None:
        enter = partial(
            self._audit.write, name, ACTION, file, "a file of labels", after=f"{len(labels)} labels"
        )
        enter(result="intended", request_id=request_id)
        try:
            self._send_labels(labels)
        except LogAway as error:
            raise Refused("labels_unconfirmed", retry_after_s=1) from error
        enter(result="done", request_id=request_id)
