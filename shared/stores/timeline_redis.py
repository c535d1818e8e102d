"""The timeline store on Redis 6.2 or newer: one script call per micro-batch, several in flight."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable, Callable
from hashlib import sha1
from importlib import resources
from typing import Any, Final

import numpy as np

from shared.contracts.addresses import RedisAddress

from . import epochs
from . import timeline_keys as names
from .redis_wire import Frames, Wire, connect, framed, pack, parse_address
from .timeline_port import (
    STATE_WAIT_MS,
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochChanged,
    EpochState,
    StateLost,
    StoreAway,
    StoreError,
    StoreFull,
    StoreRefused,
)

SCRIPT: Final = resources.files(__package__).joinpath("timeline_script.lua").read_bytes()
_SHA: Final = sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()
_RUN_ID: Final = re.compile(rb"run_id:([0-9a-f]+)")
_OURS: Final = re.compile(r"(STATELOST|EPOCHCHANGED) (\d+)(?: ([01]))?")
_FULL: Final = ("OOM ", "MISCONF ", "READONLY ")
_AWAY: Final = ("NOSCRIPT", "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNKILLABLE")


def explain(text: str, keys: list[bytes] | None = None) -> StoreError:
    """What an error reply means. Redis 6.2 wraps a script's error in its own text, so look inside."""
    if ours := _OURS.search(text):
        word, value, frozen = ours.groups()
        if word == "EPOCHCHANGED":
            return EpochChanged(int(value), frozen == "1")
        log = int(value)
        return StateLost(keys[log - 1] if log and keys else b"")
    if any(word in text for word in _FULL):
        return StoreFull(text)
    if text.startswith(_AWAY):
        return StoreAway(text, maybe_applied=True)
    return StoreRefused(text)


class RedisTimelines:
    """`timeline_port.TimelineStore` on one Redis; see there for what each call promises.

    ``record_bytes`` is the layout's record size, ``layout`` its hash: a store whose epoch was written
    with another layout is refused at `start`.
    """

    def __init__(self, address: RedisAddress, portfolio: str, record_bytes: int, layout: str) -> None:
        self._address = parse_address(address)
        self._portfolio = portfolio
        self._record_bytes = record_bytes
        self._layout = layout
        self._epoch_key = names.epoch_key(portfolio)
        self._fixed_keys = [self._epoch_key, names.freeze_key(portfolio)]
        self._wire: Wire | None = None
        self._run_id = b""
        self._frames = Frames()

    async def start(self) -> bool:
        await self.stop()
        self._wire = await connect(self._address, STATE_WAIT_MS)
        try:
            await self._log_in()
            restarted = await self._is_restarted()
            await self._check_layout()
        except BaseException:
            await self.stop()
            raise
        return restarted

    async def stop(self) -> None:
        if self._wire is not None:
            self._wire.close(StoreAway("stopped", maybe_applied=True))
            await self._wire.wait_gone()

    def append(self, call: AppendCall, wait_ms: int = STATE_WAIT_MS) -> asyncio.Future[AppendReply]:
        call.check(self._record_bytes)
        return self._send(
            self._request(call),
            wait_ms,
            _decode_reply,
            lambda text: explain(text, call.keys),
        )

    async def epoch(self) -> EpochState:
        value = await self.command(b"GET", self._epoch_key)
        if value is None:
            raise StateLost(b"")
        return epochs.decode(value)

    async def ensure_epoch(self) -> EpochState:
        first = epochs.encode(EpochState(1, False, self._layout))
        await self._script(
            epochs.ENSURE,
            [self._epoch_key, names.run_key(self._portfolio), names.allotted_key(self._portfolio)],
            [first, self._run_id],
        )
        return await self.epoch()

    async def recover(
        self, ends: AsyncIterable[CapturedEnd], *, at_least: int, held: int, lost: bool
    ) -> EpochState:
        known = await epochs.gather(ends, at_least)
        async with epochs.Lock(self.command, self._script, names.lock_key(self._portfolio)) as lock:
            value = await self.command(b"GET", self._epoch_key)
            current = None if value is None else epochs.decode(value)
            if current is not None and current.number > held > 0 and await self._is_checked():
                return current

            async def lengths(some: list[CapturedEnd]) -> list[int]:
                await lock.renew()
                return await self._lengths(some)

            loss = await epochs.compare(known, current, lost, lengths)
            return await self._settle(lock.token, current, loss)

    async def command(self, *parts: bytes) -> Any:
        """Any one command, in line with the calls in flight. Raises what `append` raises."""
        return await self._send(pack(parts), STATE_WAIT_MS, lambda reply: reply, explain)

    async def _settle(self, token: bytes, current: EpochState | None, loss: epochs.Loss) -> EpochState:
        keys = [
            names.lock_key(self._portfolio),
            self._epoch_key,
            names.run_key(self._portfolio),
            names.allotted_key(self._portfolio),
            names.freeze_key(self._portfolio),
        ]
        quality = b"rebuilding" if loss.at_least > 0 else b"exact"
        expected = b"" if current is None else epochs.encode(current)
        arguments = [token, expected, b"%d" % loss.at_least, quality, self._layout.encode(), self._run_id]
        value = await self._script(epochs.SETTLE, keys, [b"1" if loss.is_whole else b"0", *arguments])
        return epochs.decode(value)

    async def _is_restarted(self) -> bool:
        """Whether this server process is another than the one last checked, by anybody or seen by me."""
        found = _RUN_ID.search(await self.command(b"INFO", b"server"))
        run_id = found.group(1) if found else b""
        checked = await self.command(b"GET", names.run_key(self._portfolio)) or b""
        restarted = any(known not in (b"", run_id) for known in (checked, self._run_id))
        self._run_id = run_id
        return restarted

    async def _is_checked(self) -> bool:
        """Whether this server process was found whole since it started."""
        return bool(await self.command(b"GET", names.run_key(self._portfolio)) == self._run_id)

    async def _lengths(self, ends: list[CapturedEnd]) -> list[int]:
        """Records in each log, asked in one go."""
        keys = [names.entity_key(self._portfolio, e.epoch, e.entity, e.entity_id) for e in ends]
        replies = await asyncio.gather(*[self.command(b"STRLEN", key) for key in keys])
        return [length // self._record_bytes for length in replies]

    async def _script(self, text: bytes, keys: list[bytes], arguments: list[bytes]) -> Any:
        return await self.command(b"EVAL", text, b"%d" % len(keys), *keys, *arguments)

    async def _log_in(self) -> None:
        address = self._address
        if address.password is not None:
            user = [address.user.encode()] if address.user else []
            await self.command(b"AUTH", *user, address.password.encode())
        if address.db:
            await self.command(b"SELECT", b"%d" % address.db)
        loaded = await self.command(b"SCRIPT", b"LOAD", SCRIPT)
        if loaded != _SHA:
            raise StoreRefused(f"the server loaded another script: {loaded!r}")

    async def _check_layout(self) -> None:
        value = await self.command(b"GET", self._epoch_key)
        if value is not None and (found := epochs.decode(value).layout) != self._layout:
            raise StoreRefused(f"timelines hold layout {found}, this portfolio compiles to {self._layout}")

    def _send(
        self,
        request: bytes,
        wait_ms: int,
        decode: Callable[[Any], Any],
        on_error: Callable[[str], StoreError],
    ) -> asyncio.Future[Any]:
        if self._wire is not None:
            return self._wire.send(request, wait_ms, decode, on_error)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_exception(StoreAway("not started", maybe_applied=False))
        return future

    def _request(self, call: AppendCall) -> bytes:
        n = len(call.keys)
        before = [b"EVALSHA", _SHA, b"%d" % (n + 2), *self._fixed_keys]
        heads = np.asarray(call.known, "<u8").tobytes() + np.asarray(call.counts, "<u4").tobytes()
        after = [b"%d" % call.epoch, b"%d" % self._record_bytes, heads, call.rows]
        start = b"*%d\r\n" % (len(before) + n + len(after))
        keys = map(self._frames.__getitem__, call.keys)
        return b"".join([start, *map(framed, before), *keys, *map(framed, after)])


def _decode_reply(reply: list[bytes]) -> AppendReply:
    return AppendReply(*reply)
