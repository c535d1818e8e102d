"""Which payments came, what was answered, and how fast each key asks: the port, and a twin in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from services.gateway.core.answers import HASH_BYTES
from services.gateway.core.rates import Rate, take
from shared.runtime.clock import Clock

State = Literal["new", "open", "other", "answered", "limited"]


class RedisAway(Exception):
    """Redis does not answer; nothing is known to be set."""


class OtherBody(Exception):
    """Meanwhile another body was claimed under the payment's id: Redis had lost the first claim."""


class Claim(NamedTuple):
    """Of a payment: the first of its id, claimed and open, another body, answered; or the key is too fast."""

    state: State
    answer: bytes = b""
    wait_us: int = 0


class Once(Protocol):
    """Answers stand for a while and the first one binds. All methods raise RedisAway."""

    async def claim(self, tx_id: str, body_hash: bytes, key_id: str, limit: Rate) -> Claim:
        """Take one item of the key's rate, then claim the payment."""
        ...

    async def look(self, tx_id: str, body_hash: bytes) -> Claim:
        """As `claim`, but nothing is claimed and nothing taken of a rate."""
        ...

    async def answer(self, tx_id: str, body_hash: bytes, answer: bytes, record: bytes) -> bytes | None:
        """Set ``answer`` if none is set, its ``record`` into the outbox with it, and return None.

        Else the one that stands, be it the same: its record is another's to send. Raises OtherBody.
        """
        ...

    async def answered(self, tx_id: str) -> bytes | None:
        """The answer that stands; b"" where the payment is claimed and not answered; None where unknown."""
        ...

    async def take(self, key_id: str, items: int, limit: Rate) -> int:
        """Take ``items`` of the key's rate; microseconds to wait, 0 where they are taken."""
        ...

    async def outbox(self) -> Mapping[str, bytes]:
        """Records of answers that no gateway has reported as sent, by tx_id."""
        ...

    async def sent(self, records: Mapping[str, bytes]) -> None:
        """These, by tx_id, stand on Kafka; another that came under the same id since then stays."""
        ...


def claim_of(held: bytes | None, body_hash: bytes) -> Claim:
    """What ``held``, a payment's claim as it is kept, says to a body."""
    if held is None:
        return Claim("new")
    if held[:HASH_BYTES] != body_hash:
        return Claim("other")
    return Claim("answered", held[HASH_BYTES:]) if len(held) > HASH_BYTES else Claim("open")


@dataclass(slots=True)
class MemoryOnce:
    """The same in one process, for tests; nothing expires."""

    clock: Clock
    held: dict[str, bytes] = field(default_factory=dict)
    waiting: dict[str, bytes] = field(default_factory=dict)
    arrivals_us: dict[str, int] = field(default_factory=dict)
    is_away: bool = False

    async def claim(self, tx_id: str, body_hash: bytes, key_id: str, limit: Rate) -> Claim:
        """As the port says."""
        wait_us = await self.take(key_id, 1, limit)
        if wait_us:
            return Claim("limited", wait_us=wait_us)
        found = await self.look(tx_id, body_hash)
        self.held.setdefault(tx_id, body_hash)
        return found

    async def look(self, tx_id: str, body_hash: bytes) -> Claim:
        """As the port says."""
        self._look()
        return claim_of(self.held.get(tx_id), body_hash)

    async def answer(self, tx_id: str, body_hash: bytes, answer: bytes, record: bytes) -> bytes | None:
        """As the port says."""
        self._look()
        held = self.held.get(tx_id, body_hash)
        if held[:HASH_BYTES] != body_hash:
            raise OtherBody
        if len(held) > HASH_BYTES:
            return held[HASH_BYTES:]
        self.held[tx_id] = body_hash + answer
        self.waiting[tx_id] = record
        return None

    async def answered(self, tx_id: str) -> bytes | None:
        """As the port says."""
        self._look()
        held = self.held.get(tx_id)
        return None if held is None else held[HASH_BYTES:]

    async def take(self, key_id: str, items: int, limit: Rate) -> int:
        """As the port says."""
        self._look()
        taken = take(self.arrivals_us.get(key_id, 0), self.clock.now_ms() * 1000, items, limit)
        self.arrivals_us[key_id] = taken.arrival_us
        return taken.wait_us

    async def outbox(self) -> Mapping[str, bytes]:
        """As the port says."""
        self._look()
        return dict(self.waiting)

    async def sent(self, records: Mapping[str, bytes]) -> None:
        """As the port says."""
        self._look()
        for tx_id, record in records.items():
            if self.waiting.get(tx_id) == record:
                del self.waiting[tx_id]

    def _look(self) -> None:
        if self.is_away:
            raise RedisAway("told to be away")


OUTBOX_LOOK: Final = 1_000
"""Records of the outbox that one look brings at most."""
