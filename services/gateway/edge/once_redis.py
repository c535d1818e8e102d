"""Claims, answers and rates in Redis: one script call each, so that every gateway sees the same."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.gateway.core.answers import HASH_BYTES
from services.gateway.core.rates import Rate
from shared.contracts.addresses import RedisAddress

from .once import OUTBOX_LOOK, Claim, RedisAway

T = TypeVar("T")

TIMEOUT_S: Final = 1.0
CONNECTIONS: Final = 64
_HERE: Final = Path(__file__).parent


class RedisOnce:
    """The port on Redis; keys begin with ``gateway:{portfolio}:``. Call `close` at the end.

    No call is tried twice by the client: what failed may have been done, and the caller's own retry finds it.
    """

    def __init__(self, address: RedisAddress, portfolio: str, keep_ms: int) -> None:
        self._prefix = f"gateway:{{{portfolio}}}:"
        self._keep_ms = keep_ms
        pool = redis.BlockingConnectionPool.from_url(
            address.url,
            **address.options(),
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: Any = redis.Redis(connection_pool=pool)
        self._claim, self._answer, self._take = (
            self._redis.register_script((_HERE / f"{name}.lua").read_text(encoding="ascii"))
            for name in ("claim", "answer", "take")
        )

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.connection_pool.disconnect()

    async def claim(self, tx_id: str, body_hash: bytes, key_id: str, limit: Rate) -> Claim:
        """As the port says."""
        keys = [self._payment(tx_id), self._rate(key_id)]
        values: list[bytes | int | str] = [body_hash, self._keep_ms, limit.step_us, limit.burst_us]
        state, *rest = await _asked(self._claim(keys=keys, args=values))
        name = state.decode()
        if name == "limited":
            return Claim("limited", wait_us=int(rest[0]))
        return Claim(name, rest[0] if rest else b"")

    async def answer(self, tx_id: str, body_hash: bytes, answer: bytes, record: bytes) -> bytes:
        """As the port says."""
        keys = [self._payment(tx_id), self._outbox()]
        values: list[bytes | int | str] = [body_hash, answer, self._keep_ms, tx_id, record]
        found: bytes = await _asked(self._answer(keys=keys, args=values))
        return found

    async def answered(self, tx_id: str) -> bytes | None:
        """As the port says."""
        held: bytes | None = await _asked(self._redis.get(self._payment(tx_id)))
        return None if held is None else held[HASH_BYTES:]

    async def take(self, key_id: str, items: int, limit: Rate) -> int:
        """As the port says."""
        values: list[bytes | int | str] = [items, limit.step_us, limit.burst_us]
        return int(await _asked(self._take(keys=[self._rate(key_id)], args=values)))

    async def outbox(self) -> Mapping[str, bytes]:
        """As the port says; a look brings some of them where there are very many."""
        _, found = await _asked(self._redis.hscan(self._outbox(), count=OUTBOX_LOOK))
        return {tx_id.decode(): record for tx_id, record in found.items()}

    async def sent(self, tx_ids: list[str]) -> None:
        """As the port says."""
        if tx_ids:
            await _asked(self._redis.hdel(self._outbox(), *tx_ids))

    def _payment(self, tx_id: str) -> str:
        return f"{self._prefix}tx:{tx_id}"

    def _rate(self, key_id: str) -> str:
        return f"{self._prefix}rate:{key_id}"

    def _outbox(self) -> str:
        return f"{self._prefix}outbox"


async def _asked(call: Awaitable[T]) -> T:
    with _named_away():
        return await call


@contextmanager
def _named_away() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise RedisAway(type(error).__name__) from error
