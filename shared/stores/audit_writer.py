"""The audit log: who did what, when and why, as one hash chain per writer on the topic ``audit``.

Two processes that share a writer's name publish and read back like release writers; the loser's entry is
void in the fold and is written again behind the winner's. A change is entered before (``intended``) and
after (``done`` or ``refused``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import msgspec

from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, codec_of, encode
from shared.contracts.ids import content_hash
from shared.contracts.operations import AuditEntry
from shared.contracts.topics import topic_name

from .clock import Clock
from .kafka_log import KafkaAway, append, read_whole

Result = Literal["done", "refused", "intended"]
ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class AuditChain:
    """One writer's entries in order, and how many records under its name were void."""

    entries: tuple[AuditEntry, ...] = ()
    void: int = 0

    @property
    def head(self) -> AuditEntry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None


def entry_hash(entry: AuditEntry) -> str:
    """blake2b-256 over the entry with ``hash`` empty, 64 hex digits."""
    return content_hash(encode(msgspec.structs.replace(entry, hash="")))


def fold_audit(records: Iterable[bytes]) -> dict[str, AuditChain]:
    """Chains by writer. An entry counts if it is the next of its writer and its hash is right."""
    chains: dict[str, AuditChain] = {}
    for raw in records:
        try:
            entry: AuditEntry = codec_of(AuditEntry).decode(raw)
        except DecodeError:
            continue  # carries no writer's name that could be trusted
        chains[entry.writer] = _extended(chains.get(entry.writer, AuditChain()), entry)
    return chains


def _extended(chain: AuditChain, entry: AuditEntry) -> AuditChain:
    head = chain.head
    expected = (head.seq + 1, head.hash) if head else (1, "")
    if (entry.seq, entry.prev_hash) != expected or entry_hash(entry) != entry.hash:
        return AuditChain(chain.entries, chain.void + 1)
    return AuditChain((*chain.entries, entry), chain.void)


class Audit(Protocol):
    """Enters who did what, and gives the entry once it stands. Blocks. Raises KafkaAway."""

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
    ) -> AuditEntry: ...


class AuditWriter:
    """Writes the chain of ``writer``. Blocking."""

    def __init__(self, kafka: KafkaAddress, writer: str, clock: Clock) -> None:
        self._kafka = kafka
        self._topic = topic_name("", "audit")
        self._writer = writer
        self._clock = clock

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
        """Append an entry and return it once the chain is known to hold it. Raises KafkaAway."""
        draft = AuditEntry(
            v=1,
            writer=self._writer,
            seq=0,
            at_ms=self._clock.now_ms(),
            by=by,
            action=action,
            subject=subject,
            reason=reason,
            result=result,
            prev_hash="",
            hash="",
            before=before,
            after=after,
            request_id=request_id,
        )
        for _ in range(ATTEMPTS):
            entry = _linked(draft, self.chain().head)
            append(self._kafka, self._topic, self._writer.encode(), encode(entry))
            if entry in self.chain().entries:
                return entry
        raise KafkaAway(f"audit: another process wrote as {self._writer} first, {ATTEMPTS} times")

    def chain(self) -> AuditChain:
        """This writer's chain as it is now. Raises KafkaAway."""
        records = read_whole(self._kafka, self._topic)
        return fold_audit(record.value for record in records).get(self._writer, AuditChain())


def _linked(draft: AuditEntry, head: AuditEntry | None) -> AuditEntry:
    seq, prev_hash = (head.seq + 1, head.hash) if head else (1, "")
    entry = msgspec.structs.replace(draft, seq=seq, prev_hash=prev_hash)
    return msgspec.structs.replace(entry, hash=entry_hash(entry))
