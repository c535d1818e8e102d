"""The keys that are known: kept in SQL, looked up in memory, read again each second."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from mode import Service
from sqlalchemy import insert, select, update

from services.gateway.core.keys import ApiKey, presented, secret_hash
from services.gateway.core.refusal import Refused
from shared.contracts.bounds import EVENT_TIME_MAX_MS
from shared.runtime.health import Health
from shared.stores.database import Database, DatabaseAway

from .database import API_KEYS

READ_EVERY_S: Final = 1.0
OPERATOR: Final = "operator"
OPERATOR_RATE_PER_S: Final = 50.0


class KeyBook(Service):
    """Keys by id. A change made through another gateway is seen here within about a second."""

    def __init__(self, database: Database, operator: ApiKey | None, health: Health, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._database = database
        self._operator = operator
        self._health = health
        self._keys: dict[str, ApiKey] = {}
        # A look that began before a change must not end after it, and make an ended key good again.
        self._turn = asyncio.Lock()

    async def on_start(self) -> None:
        """Read the keys. Raises DatabaseAway."""
        self._keys = await asyncio.to_thread(self._read)

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            await self.sleep(READ_EVERY_S)
            try:
                async with self._turn:
                    self._keys = await asyncio.to_thread(self._read)
            except DatabaseAway as error:
                # The keys that are known go on being good; that they may be old is said.
                self._health.note("keys", type(error).__name__)

    async def on_shutdown(self) -> None:
        """Close the database."""
        await asyncio.to_thread(self._database.close)

    def get(self, key_id: str) -> ApiKey | None:
        """The key of this id, or None."""
        return self._keys.get(key_id)

    def all(self) -> list[ApiKey]:
        """Every key that is kept, oldest first."""
        kept = [key for key in self._keys.values() if key is not self._operator]
        return sorted(kept, key=lambda key: (key.created_at_ms, key.key_id))

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises DatabaseAway."""
        async with self._turn:
            await asyncio.to_thread(self._write, insert(API_KEYS).values(**_row(key)))
            self._keys = {**self._keys, key.key_id: key}

    async def revoke(self, key_id: str, now_ms: int) -> None:
        """End a key now. Raises Refused (`key_absent`), DatabaseAway."""
        if key_id not in self._keys or self._keys[key_id] is self._operator:
            raise Refused("key_absent")
        ended = update(API_KEYS).where(API_KEYS.c.key_id == key_id).values(revoked_at_ms=now_ms)
        async with self._turn:
            await asyncio.to_thread(self._write, ended)
            self._keys = await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, ApiKey]:
        with self._database.reading() as connection:
            rows = connection.execute(select(API_KEYS)).mappings().all()
        keys = [_key(dict(row)) for row in rows]
        if self._operator is not None:
            keys.append(self._operator)
        return {key.key_id: key for key in keys}

    def _write(self, statement: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(statement)


def operator_key(path: Path | None, portfolio: str) -> ApiKey | None:
    """The key in the house's own file, which may manage keys and nothing else. Raises OSError, Refused."""
    if path is None:
        return None
    given = presented(f"Bearer {path.read_text(encoding='ascii').strip()}".encode())
    return ApiKey(
        key_id=given.key_id,
        name=OPERATOR,
        secret_hash=secret_hash(given.secret),
        portfolio=portfolio,
        actions=("keys",),
        caller=OPERATOR,
        details=False,
        rate_per_s=OPERATOR_RATE_PER_S,
        burst=int(OPERATOR_RATE_PER_S),
        created_at_ms=0,
        expires_at_ms=EVENT_TIME_MAX_MS,
    )


def _row(key: ApiKey) -> dict[str, Any]:
    row = {name: getattr(key, name) for name in key.__struct_fields__}
    return row | {"actions": " ".join(key.actions)}


def _key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**row | {"actions": tuple(row["actions"].split())})
