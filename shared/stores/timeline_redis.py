"""The timeline store on Redis 6.2 or newer, one server or a cluster: several micro-batches in flight.

Logs lie in buckets, each with a hash tag of its own. A micro-batch is one script call per bucket that it
touches, sent together. Bucket 0's epoch decides; every other bucket holds a copy that guards its own logs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable
from functools import partial
from hashlib import sha1
from importlib import resources
from typing import Any, Final

import numpy as np

from shared.contracts.addresses import RedisAddress
from shared.features.trimming import BASE_BYTES, split_log

from . import epochs
from . import timeline_keys as names
from .redis_nodes import RedisNodes, ask
from .redis_wire import Frames, Wire, framed
from .timeline_buckets import InOrder, cut, joined
from .timeline_port import (
    STATE_WAIT_MS,
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochState,
    StateLost,
    StoreAway,
)
from .timeline_replies import explain
from .timeline_trim import LENGTHS, TRIM, Choose

SCRIPT: Final = resources.files(__package__).joinpath("timeline_script.lua").read_bytes()
_SHA: Final = sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()
_SWITCHING: Final = "buckets differ in their epoch: somebody is switching them"
_RUN_ID: Final = re.compile(rb"run_id:([0-9a-f]+)")


class RedisTimelines:
    """`timeline_port.TimelineStore` on Redis; see there for what each call promises.

    ``record_bytes`` is the layout's record size, ``layout`` its hash, ``buckets`` in how many parts the logs
    lie: a store whose epoch was written with another layout or other buckets is refused at `start`.
    """

    def __init__(
        self, address: RedisAddress, portfolio: str, record_bytes: int, layout: str, buckets: int = 1
    ) -> None:
        self._portfolio = portfolio
        self._record_bytes = record_bytes
        self._layout = layout
        self._buckets = range(buckets)
        self._epoch_keys = [names.epoch_key(portfolio, b) for b in self._buckets]
        self._run_keys = [names.run_key(portfolio, b) for b in self._buckets]
        self._freeze_keys = [names.freeze_key(portfolio, b) for b in self._buckets]
        self._nodes = RedisNodes(address, self._epoch_keys, SCRIPT, _SHA)
        self._in_order = InOrder(self._nodes.void)
        self._run_ids = [b""] * buckets
        self._frames = Frames()

    async def start(self) -> bool:
        await self._nodes.open()
        self._in_order = InOrder(self._nodes.void)
        try:
            values = await self._values(self._epoch_keys)
            if values[0] is not None:
                epochs.refuse_shape(epochs.decode(values[0]), self._layout, len(self._buckets))
            is_torn = len(set(values)) > 1
            if is_torn and await self.command(b"EXISTS", self._freeze_keys[0]):
                raise StoreAway(_SWITCHING, maybe_applied=False)
            return await self._is_restarted() or is_torn
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self._nodes.close()

    def append(self, call: AppendCall, wait_ms: int = STATE_WAIT_MS) -> asyncio.Future[AppendReply]:
        call.check(self._record_bytes)
        if len(self._buckets) == 1:
            return self._send(0, call, wait_ms)
        buckets = np.fromiter(map(self._bucket, call.keys), np.int64, len(call.keys))
        parts = cut(call, buckets, self._record_bytes)
        waiting = [self._send(part.bucket, part.call, wait_ms) for part in parts]
        return self._in_order.add(waiting, partial(joined, parts, self._record_bytes))

    async def epoch(self) -> EpochState:
        value = await self.command(b"GET", self._epoch_keys[0])
        if value is None:
            raise StateLost(b"")
        return epochs.decode(value)

    async def ensure_epoch(self) -> EpochState:
        first = epochs.encode(EpochState(1, False, self._layout, len(self._buckets)))
        keys = [self._epoch_keys[0], self._run_keys[0], names.allotted_key(self._portfolio)]
        await self._script(0, epochs.ENSURE, keys, [first, self._run_ids[0]])
        state = await self.epoch()
        for bucket in self._buckets[1:]:
            for key, value in (
                (self._epoch_keys[bucket], epochs.encode(state)),
                (self._run_keys[bucket], self._run_ids[bucket]),
            ):
                await self._on(bucket, b"SET", key, value, b"NX")
        return state

    async def trim(self, epoch: int, key: bytes, choose: Choose) -> int:
        bucket = self._bucket(key)
        log = await self._on(bucket, b"GET", key) or b""
        base, rows = split_log(log, self._record_bytes)
        chosen = await asyncio.to_thread(choose, base, rows)
        if chosen.index == base.index:
            return 0
        given = [b"%d" % epoch, b"%d" % self._record_bytes, b"%d" % base.index, chosen.encode()]
        keys = [self._epoch_keys[bucket], self._freeze_keys[bucket], key]
        is_cut = await self._script(bucket, TRIM, keys, given)
        return chosen.index - base.index if is_cut else 0

    async def recover(
        self, ends: AsyncIterable[CapturedEnd], *, at_least: int, held: int, lost: bool
    ) -> EpochState:
        known = await epochs.gather(ends, at_least)
        script = partial(self._script, 0)
        async with epochs.Lock(self.command, script, names.lock_key(self._portfolio)) as lock:
            values = await self._values(self._epoch_keys)
            current = None if values[0] is None else epochs.decode(values[0])
            if current is not None and current.number > held > 0 and await self._is_checked(values):
                return current

            async def lengths(some: list[CapturedEnd]) -> list[int]:
                await lock.renew()
                return await self._lengths(some)

            loss = await epochs.compare(known, current, lost or None in values, lengths)
            state = await self._settle(lock.token, values, loss)
            await self._guard(state, values, is_new=not loss.is_whole)
            return state

    async def command(self, *parts: bytes) -> Any:
        """Any one command to bucket 0, in line with the calls in flight. Raises what `append` raises."""
        return await self._on(0, *parts)

    async def _settle(self, token: bytes, values: list[bytes | None], loss: epochs.Loss) -> EpochState:
        """Decides in bucket 0; the number is above every bucket's, also where bucket 0 alone was lost."""
        highest = max([loss.at_least, *(epochs.decode(value).number for value in values if value)])
        keys = [
            names.lock_key(self._portfolio),
            self._epoch_keys[0],
            self._run_keys[0],
            names.allotted_key(self._portfolio),
            self._freeze_keys[0],
        ]
        quality = b"rebuilding" if highest > 0 else b"exact"
        arguments = [
            *(b"1" if loss.is_whole else b"0", token, values[0] or b"", b"%d" % highest, quality),
            *(self._layout.encode(), self._run_ids[0], epochs.spread(len(self._buckets)).encode()),
        ]
        return epochs.decode(await self._script(0, epochs.SETTLE, keys, arguments))

    async def _guard(self, state: EpochState, values: list[bytes | None], is_new: bool) -> None:
        """Every other bucket follows; who dies in between leaves buckets that differ, which `start` tells."""
        value, held = epochs.encode(state), b"0" if is_new else b"1"
        for bucket in self._buckets[1:]:
            keys = [self._epoch_keys[bucket], self._freeze_keys[bucket], self._run_keys[bucket]]
            arguments = [value, values[bucket] or b"", self._run_ids[bucket], held]
            if not await self._script(bucket, epochs.GUARD, keys, arguments):
                raise StoreAway(_SWITCHING, maybe_applied=False)

    async def _is_restarted(self) -> bool:
        """Whether a bucket's server process is another than the one last checked, by anybody or seen by me.

        So it is where a bucket has moved to another node: its contents are checked there.
        """
        found = {wire: await self._run_id(wire) for wire in dict.fromkeys(self._nodes.wires)}
        run_ids = [found[wire] for wire in self._nodes.wires]
        checked = await self._values(self._run_keys)
        seen, self._run_ids = self._run_ids, run_ids
        both = [*zip(checked, run_ids, strict=True), *zip(seen, run_ids, strict=True)]
        return any(known not in (None, b"", run_id) for known, run_id in both)

    async def _run_id(self, wire: Wire) -> bytes:
        found = _RUN_ID.search(await ask(wire, b"INFO", b"server"))
        return found.group(1) if found else b""

    async def _is_checked(self, values: list[bytes | None]) -> bool:
        """Whether every server process was found whole since it started, and no bucket lags behind."""
        return len(set(values)) == 1 and await self._values(self._run_keys) == self._run_ids

    async def _values(self, keys: list[bytes]) -> list[bytes | None]:
        """The value of each bucket's key."""
        found: list[bytes | None] = await asyncio.gather(
            *[self._on(b, b"GET", key) for b, key in zip(self._buckets, keys, strict=True)]
        )
        return found

    async def _lengths(self, ends: list[CapturedEnd]) -> list[int]:
        """Records that each log ever had, asked in one go."""
        count = len(self._buckets)
        keys = [names.entity_key(self._portfolio, e.epoch, e.entity, e.entity_id, count) for e in ends]
        arguments = [b"%d" % self._record_bytes, b"%d" % BASE_BYTES]
        parts = names.by_bucket(self._portfolio, keys)
        found = await asyncio.gather(
            *[self._script(bucket, LENGTHS, some, arguments) for bucket, some in parts.items()]
        )
        records: dict[bytes, int] = {}
        for some, lengths in zip(parts.values(), found, strict=True):
            records.update(zip(some, lengths, strict=True))
        return [records[key] for key in keys]

    async def _script(self, bucket: int, text: bytes, keys: list[bytes], arguments: list[bytes]) -> Any:
        return await self._on(bucket, b"EVAL", text, b"%d" % len(keys), *keys, *arguments)

    async def _on(self, bucket: int, *parts: bytes) -> Any:
        if not self._nodes.wires:
            raise StoreAway("not started", maybe_applied=False)
        return await ask(self._nodes.wires[bucket], *parts)

    def _bucket(self, key: bytes) -> int:
        """The bucket in a log's key; 0 where there is but one."""
        return names.bucket_in(self._portfolio, key) if len(self._buckets) > 1 else 0

    def _send(self, bucket: int, call: AppendCall, wait_ms: int) -> asyncio.Future[AppendReply]:
        if self._nodes.wires:
            request = self._request(bucket, call)
            explained = partial(explain, keys=call.keys)
            return self._nodes.wires[bucket].send(request, wait_ms, _decode_reply, explained)
        future: asyncio.Future[AppendReply] = asyncio.get_running_loop().create_future()
        future.set_exception(StoreAway("not started", maybe_applied=False))
        return future

    def _request(self, bucket: int, call: AppendCall) -> bytes:
        n = len(call.keys)
        fixed = [self._epoch_keys[bucket], self._freeze_keys[bucket]]
        before = [b"EVALSHA", _SHA, b"%d" % (n + 2), *fixed]
        heads = np.asarray(call.known, "<u8").tobytes() + np.asarray(call.counts, "<u4").tobytes()
        after = [b"%d" % call.epoch, b"%d" % self._record_bytes, heads, call.rows]
        start = b"*%d\r\n" % (len(before) + n + len(after))
        keys = map(self._frames.__getitem__, call.keys)
        return b"".join([start, *map(framed, before), *keys, *map(framed, after)])


def _decode_reply(reply: list[bytes]) -> AppendReply:
    return AppendReply(*reply)
