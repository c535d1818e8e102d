"""One micro-batch over several buckets: cut into a call for each, and put together again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shared.features.trimming import BASE_BYTES

from .timeline_port import AppendCall, AppendReply, StoreAway, StoreError


class Part(Struct, frozen=True):
    """The logs of ``call`` that lie in ``bucket``; ``places`` (k,) are where they stood in the whole call."""

    bucket: int
    places: NDArray[np.int64]
    call: AppendCall


def cut(call: AppendCall, buckets: NDArray[np.int64], record_bytes: int) -> list[Part]:
    """The parts of a call by ``buckets`` (n,), the bucket of each of its logs; an empty one asks bucket 0."""
    if not len(buckets):
        return [Part(0, buckets, call)]
    known, counts = np.asarray(call.known, np.int64), np.asarray(call.counts, np.int64)
    rows = np.frombuffer(call.rows, np.uint8).reshape(-1, record_bytes)
    of_row = np.repeat(buckets, counts)
    parts = []
    for bucket in np.unique(buckets).tolist():
        places = np.flatnonzero(buckets == bucket)
        keys = [call.keys[place] for place in places.tolist()]
        body = rows[of_row == bucket].tobytes()
        parts.append(Part(bucket, places, AppendCall(call.epoch, keys, known[places], counts[places], body)))
    return parts


def joined(parts: Sequence[Part], record_bytes: int, replies: Sequence[AppendReply]) -> AppendReply:
    """The answer to the whole call from those to its parts."""
    count = sum(len(part.places) for part in parts)
    starts, unseen = np.zeros(count, "<u8"), [b""] * count
    bases = np.zeros((count, BASE_BYTES), np.uint8)
    for part, reply in zip(parts, replies, strict=True):
        own = np.frombuffer(reply.starts, "<u8")
        starts[part.places] = own
        known = np.asarray(part.call.known, np.int64)
        if reply.bases:
            bases[part.places] = np.frombuffer(reply.bases, np.uint8).reshape(-1, BASE_BYTES)
            # A log that was trimmed beyond what was known tells its records from its base on.
            known = np.maximum(known, bases[part.places][:, :8].copy().view("<i8").reshape(-1))
        sizes = (own.astype(np.int64) - known) * record_bytes
        at = 0
        for k in np.flatnonzero(sizes).tolist():
            unseen[part.places[k]] = reply.unseen[at : at + int(sizes[k])]
            at += int(sizes[k])
    return AppendReply(starts.tobytes(), b"".join(unseen), bases.tobytes() if bases.any() else b"")


@dataclass(slots=True, eq=False)
class _Waiting:
    future: asyncio.Future[AppendReply]
    parts: list[asyncio.Future[AppendReply]]
    join: Callable[[list[AppendReply]], AppendReply]
    missing: int
    error: BaseException | None = field(default=None)


class InOrder:
    """Answers of calls whose parts go to several nodes, given in the order of the calls.

    A call that was answered is one that no earlier call can void any more: when a part fails, its call and
    every later one fail once all before it are answered, and ``void`` closes the connections.
    """

    def __init__(self, void: Callable[[StoreError], None]) -> None:
        self._void = void
        self._waiting: deque[_Waiting] = deque()

    def add(
        self,
        parts: list[asyncio.Future[AppendReply]],
        join: Callable[[list[AppendReply]], AppendReply],
    ) -> asyncio.Future[AppendReply]:
        """The answer to a call that was sent in ``parts``, at least one."""
        call = _Waiting(asyncio.get_running_loop().create_future(), parts, join, len(parts))
        self._waiting.append(call)
        for part in parts:
            part.add_done_callback(partial(self._done, call))
        return call.future

    def _done(self, call: _Waiting, part: asyncio.Future[Any]) -> None:
        call.missing -= 1
        error = part.exception()
        call.error = call.error or error
        while self._waiting:
            first = self._waiting[0]
            if first.error is not None:
                self._fail(first.error)
            elif first.missing:
                return
            else:
                self._waiting.popleft()
                if not first.future.done():
                    first.future.set_result(first.join([own.result() for own in first.parts]))

    def _fail(self, error: BaseException) -> None:
        void = StoreAway("void: an earlier call failed", maybe_applied=True)
        for call in self._waiting:
            if not call.future.done():
                call.future.set_exception(error)
                # The first failure is what the caller acts on; a void call nobody asks about is no leak.
                call.future.exception()
            error = void
        self._waiting.clear()
        self._void(void)
