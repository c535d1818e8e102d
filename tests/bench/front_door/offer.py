"""Two ways to load a target: open, at a rate that waits for nobody; and closed, as fast as it answers."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from .bodies import Target
from .metronome import now_ns, ticking
from .wire import BROKEN, Pool

SECOND_NS: Final = 1_000_000_000
BEFORE_NS: Final = 300_000_000
"""Time before the first request, in which a second load beside this one gets ready."""
DRAIN_S: Final = 5.0
_CODE: Final = b'"code":"'

Samples = dict[str, list[tuple[int, int]]]
"""By outcome: when the request was due, in ns since the start, and the ns until its answer was whole."""


@dataclass
class Run:
    """What came of one load. ``late_ns``: how long after its moment each request was written.

    ``cpu_us`` is this process's own time for each request.
    """

    offered_per_s: float
    seconds: float
    samples: Samples = field(default_factory=lambda: defaultdict(list))
    late_ns: list[int] = field(default_factory=list)
    starved: int = 0
    unanswered: int = 0
    cpu_us: float = 0.0
    accepted_items: int = 0


async def at_rate(
    where: Target, request: Callable[[int], bytes], per_s: float, seconds: float, connections: int
) -> Run:
    """Write ``per_s`` requests a second for ``seconds``, whatever comes back.

    A latency counts from the moment the request was due, so neither a slow answer nor a pause of our own
    hides the ones behind it. Raises OSError where nobody listens.
    """
    count, every_ns = max(1, round(per_s * seconds)), round(SECOND_NS / per_s)
    run = Run(per_s, seconds)
    start_ns = 0
    sent = 0
    done = asyncio.Event()

    def heard(due_ns: int, status: int, body: bytes) -> None:
        run.samples[outcome(status, body)].append((due_ns - start_ns, now_ns() - due_ns))

    def due(ticks: int) -> None:
        nonlocal sent
        for _ in range(min(ticks, count - sent)):
            pool.send(request(sent), start_ns + sent * every_ns)
            sent += 1
        if sent == count:
            done.set()

    pool = Pool(where, heard)
    await pool.open(connections)
    with _alone(run, lambda: sent):
        start_ns = now_ns() + BEFORE_NS
        with ticking(start_ns, every_ns, due):
            await done.wait()
        await pool.quiet(DRAIN_S)
    run.late_ns, run.starved, run.unanswered = pool.late_ns, pool.starved, pool.open_requests
    await pool.close()
    return run


async def at_will(where: Target, request: Callable[[int], bytes], seconds: float, connections: int) -> Run:
    """Write the next request on each of ``connections`` as soon as the last is answered, for ``seconds``."""
    run = Run(0.0, seconds)
    sent = 0
    start_ns = 0

    def heard(due_ns: int, status: int, body: bytes) -> None:
        run.samples[outcome(status, body)].append((due_ns - start_ns, now_ns() - due_ns))
        run.accepted_items += _accepted(body) if status in (200, 202) else 0
        if now_ns() - start_ns < seconds * SECOND_NS:
            following()

    def following() -> None:
        nonlocal sent
        sent += 1
        pool.send(request(sent), now_ns())

    pool = Pool(where, heard)
    await pool.open(connections)
    with _alone(run, lambda: sent):
        start_ns = now_ns()
        for _ in range(connections):
            following()
        await asyncio.sleep(seconds)
        await pool.quiet(DRAIN_S)
        run.seconds = (now_ns() - start_ns) / SECOND_NS
    run.late_ns, run.starved, run.unanswered = pool.late_ns, pool.starved, pool.open_requests
    await pool.close()
    return run


def outcome(status: int, body: bytes) -> str:
    """The status, with the reason code where it is a refusal."""
    if status == BROKEN:
        return "broken"
    if status < 400:
        return str(status)
    begin = body.find(_CODE) + len(_CODE)
    code = body[begin : body.find(b'"', begin)].decode("ascii", "replace") if begin >= len(_CODE) else "?"
    return f"{status} {code}"


def _accepted(body: bytes) -> int:
    """How many items a receipt says were accepted."""
    begin = body.find(b'"accepted":') + len(b'"accepted":')
    end = begin
    while body[end : end + 1].isdigit():
        end += 1
    return int(body[begin:end] or b"0")


@contextmanager
def _alone(run: Run, sent: Callable[[], int]) -> Iterator[None]:
    """Without pauses of the collector, and with a look at what the process spends."""
    gc.collect()
    gc.disable()
    before_s = time.process_time()
    try:
        yield
    finally:
        run.cpu_us = (time.process_time() - before_s) * 1e6 / max(sent(), 1)
        gc.enable()
