"""Lake and audit of a gateway, in memory."""

from __future__ import annotations

from typing import Any, Final

from shared.contracts.operations import AuditEntry
from shared.stores.audit_writer import Result

AT_MS: Final = 1_790_000_000_000


class MemoryLake:
    """Decisions that the lake has, by tx_id."""

    def __init__(self) -> None:
        self.decisions: dict[str, dict[str, Any]] = {}

    def decision_by_tx(self, _: str, tx_id: str) -> dict[str, Any] | None:
        """As the port says."""
        return self.decisions.get(tx_id)


class MemoryAudit:
    """Who did what, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str, str]] = []

    def write(
        self,
        by: str,
        action: str,
        subject: str,
        reason: str,
        result: Result,
        before: str = "",
        after: str = "",
        request_id: str | None = None,
    ) -> AuditEntry:
        """As the port says."""
        self.entries.append((by, action, subject, result))
        return AuditEntry(
            v=1,
            writer="gateway",
            seq=len(self.entries),
            at_ms=AT_MS,
            by=by,
            action=action,
            subject=subject,
            reason=reason,
            result=result,
            before=before,
            after=after,
            request_id=request_id or "-",
            prev_hash="",
            hash="",
        )
