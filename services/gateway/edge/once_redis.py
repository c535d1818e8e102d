"""Claims, answers and rates in Redis: one script call each, so that every gateway sees the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import sha1
from importlib import resources
from typing import Any, Final

from services.gateway.core.answers import HASH_BYTES
from services.gateway.core.rates import Rate
from shared.contracts.addresses import RedisAddress
from shared.stores.redis_wire import Wire, connect, pack, parse_address
from shared.stores.timeline_port import StoreAway, StoreError

from .once import OUTBOX_LOOK, Claim, OtherBody, RedisAway, claim_of

WAIT_MS: Final = 1_000


class _Script:
    """A script of this folder, called by its hash."""

    def __init__(self, name: str) -> None:
        self.text = resources.files(__package__).joinpath(f"{name}.lua").read_bytes()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()

    def call(self, keys: list[bytes], values: list[bytes]) -> bytes:
        """The command as bytes."""
        return pack([b"EVALSHA", self.sha, b"%d" % len(keys), *keys, *values])


_CLAIM: Final = _Script("claim")
_ANSWER: Final = _Script("answer")
_TAKE: Final = _Script("take")
_SENT: Final = _Script("sent")


class RedisOnce:
    """The port on Redis; keys begin with ``gateway:{portfolio}:``. Call `close` at the end.

    All calls share one connection and overlap there. A call that fails closes it, the next one opens another;
    none is tried twice here: what failed may have been done, and the caller's own retry finds it.
    """

    def __init__(self, address: RedisAddress, portfolio: str, keep_ms: int) -> None:
        self._address = parse_address(address)
        self._prefix = f"gateway:{{{portfolio}}}:".encode()
        self._keep = b"%d" % keep_ms
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Disconnect."""
        if self._wire is not None:
            self._wire.close(StoreAway("stopped", maybe_applied=True))
            await self._wire.wait_gone()

    async def claim(self, tx_id: str, body_hash: bytes, key_id: str, limit: Rate) -> Claim:
        """As the port says."""
        keys = [self._payment(tx_id), self._rate(key_id)]
        state, *rest = await self._ask(_CLAIM.call(keys, [body_hash, self._keep, *_numbers(*limit)]))
        name = state.decode()
        if name == "limited":
            return Claim("limited", wait_us=int(rest[0]))
        return Claim(name, rest[0] if rest else b"")

    async def look(self, tx_id: str, body_hash: bytes) -> Claim:
        """As the port says."""
        return claim_of(await self._ask(pack([b"GET", self._payment(tx_id)])), body_hash)

    async def answer(self, tx_id: str, body_hash: bytes, answer: bytes, record: bytes) -> bytes | None:
        """As the port says."""
        keys = [self._payment(tx_id), self._outbox]
        values = [body_hash, answer, self._keep, tx_id.encode(), record]
        found: bytes | int | None = await self._ask(_ANSWER.call(keys, values))
        if isinstance(found, int):
            raise OtherBody
        return found

    async def answered(self, tx_id: str) -> bytes | None:
        """As the port says."""
        held: bytes | None = await self._ask(pack([b"GET", self._payment(tx_id)]))
        return None if held is None else held[HASH_BYTES:]

    async def take(self, key_id: str, items: int, limit: Rate) -> int:
        """As the port says."""
        return int(await self._ask(_TAKE.call([self._rate(key_id)], _numbers(items, *limit))))

    async def outbox(self) -> Mapping[str, bytes]:
        """As the port says; a look brings some of them where there are very many."""
        look = [b"HSCAN", self._outbox, b"0", b"COUNT", b"%d" % OUTBOX_LOOK]
        _, found = await self._ask(pack(look))
        return {tx_id.decode(): record for tx_id, record in zip(found[::2], found[1::2], strict=True)}

    async def sent(self, records: Mapping[str, bytes]) -> None:
        """As the port says."""
        values = [part for tx_id, record in records.items() for part in (tx_id.encode(), record)]
        if values:
            await self._ask(_SENT.call([self._outbox], values))

    @property
    def _outbox(self) -> bytes:
        return self._prefix + b"outbox"

    def _payment(self, tx_id: str) -> bytes:
        return b"%btx:%b" % (self._prefix, tx_id.encode())

    def _rate(self, key_id: str) -> bytes:
        return b"%brate:%b" % (self._prefix, key_id.encode())

    async def _ask(self, request: bytes) -> Any:
        """The reply. Raises RedisAway, for a refusal of Redis too: its script or its memory may be gone."""
        try:
            wire = self._wire
            if wire is None or wire.closed:
                wire = await self._connected()
            return await wire.send(request, WAIT_MS, _as_it_is, _away)
        except StoreError as error:
            raise RedisAway(str(error)) from error

    async def _connected(self) -> Wire:
        async with self._connecting:
            if self._wire is None or self._wire.closed:
                wire = await connect(self._address, WAIT_MS)
                for command in self._first_commands():
                    await wire.send(pack(command), WAIT_MS, _as_it_is, _away)
                self._wire = wire
            return self._wire

    def _first_commands(self) -> list[list[bytes]]:
        address = self._address
        commands = [[b"SCRIPT", b"LOAD", script.text] for script in (_CLAIM, _ANSWER, _TAKE, _SENT)]
        if address.db:
            commands.insert(0, [b"SELECT", b"%d" % address.db])
        if address.password is not None:
            user = [address.user.encode()] if address.user else []
            commands.insert(0, [b"AUTH", *user, address.password.encode()])
        return commands


def _numbers(*values: int) -> list[bytes]:
    return [b"%d" % value for value in values]


def _as_it_is(reply: Any) -> Any:
    return reply


def _away(text: str) -> StoreError:
    return StoreAway(text, maybe_applied=True)
