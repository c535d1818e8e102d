"""The audit log in memory, for tests: who did what, in order."""

from __future__ import annotations

from shared.contracts.bounds import EVENT_TIME_MIN_MS
from shared.contracts.operations import AuditEntry

from .audit_writer import Result


class MemoryAudit:
    """Port `Audit`; ``entries`` are (by, action, subject, result). Its chain has no hashes."""

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
        """Keep the entry."""
        self.entries.append((by, action, subject, result))
        return AuditEntry(
            v=1,
            writer="memory",
            seq=len(self.entries),
            at_ms=EVENT_TIME_MIN_MS,
            by=by,
            action=action,
            subject=subject,
            reason=reason,
            result=result,
            before=before,
            after=after,
            request_id=request_id,
            prev_hash="",
            hash="",
        )
