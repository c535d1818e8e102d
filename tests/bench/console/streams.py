"""Many open streams at once: what comes, what is lost, and the console's memory and processor."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
import numpy as np
import psutil
from msgspec import Struct

from .house import House

SAMPLE_S: Final = 10.0
SEQ: Final = re.compile(rb'^data: \{"seq":(\d+),')


class Sample(Struct, frozen=True, kw_only=True):
    """The console at one moment: resident memory, and its processor since the sample before."""

    at_s: float
    rss_mb: float
    cpu_share: float
    events: int


class Streamed(Struct, frozen=True, kw_only=True):
    """``dropped``: pulses that a stream never got, by gaps in their numbers; ``broken``: streams that ended.

    ``slope_kb_per_min`` is the straight line through the resident memory of all samples but the first.
    """

    streams: int
    seconds: float
    events: int
    events_per_stream_s: float
    dropped: int
    broken: int
    received_mb: float
    samples: list[Sample]
    slope_kb_per_min: float
    cpu_share: float


class Counts:
    """What all streams together have got so far."""

    def __init__(self) -> None:
        self.events = self.dropped = self.broken = self.received_bytes = 0


async def streamed(house: House, cookies: Mapping[str, str], streams: int, minutes: float) -> Streamed:
    """``streams`` streams of one session for ``minutes``."""
    counts, process = Counts(), psutil.Process(house.pid)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=house.url, cookies=dict(cookies), limits=limits, timeout=30, trust_env=False
    ) as client:
        readers = [asyncio.create_task(_read(client, counts)) for _ in range(streams)]
        try:
            samples = await _watch(process, counts, minutes * 60)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
    seconds = samples[-1].at_s
    return Streamed(
        streams=streams,
        seconds=seconds,
        events=counts.events,
        events_per_stream_s=counts.events / streams / seconds,
        dropped=counts.dropped,
        broken=counts.broken,
        received_mb=counts.received_bytes / 2**20,
        samples=samples,
        slope_kb_per_min=slope_kb_per_min(samples[1:]),
        cpu_share=float(np.mean([sample.cpu_share for sample in samples[1:]])),
    )


async def _watch(process: psutil.Process, counts: Counts, seconds: float) -> list[Sample]:
    """A sample at the start, and one every `SAMPLE_S` until ``seconds`` are over."""
    started = before_s = time.monotonic()
    used_s, samples = _cpu_s(process), [_sample(process, 0.0, 0.0, counts)]
    while time.monotonic() - started < seconds:
        await asyncio.sleep(SAMPLE_S)
        now_s, cpu_s = time.monotonic(), _cpu_s(process)
        samples.append(_sample(process, now_s - started, (cpu_s - used_s) / (now_s - before_s), counts))
        used_s, before_s = cpu_s, now_s
    return samples


def _sample(process: psutil.Process, at_s: float, cpu_share: float, counts: Counts) -> Sample:
    return Sample(
        at_s=at_s, rss_mb=process.memory_info().rss / 2**20, cpu_share=cpu_share, events=counts.events
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _read(client: httpx.AsyncClient, counts: Counts) -> None:
    """One stream to its end; pulses are counted by their numbers."""
    last: int | None = None
    try:
        async with client.stream("GET", "/api/v1/stream") as answer:
            answer.raise_for_status()
            async for line in _lines(answer, counts):
                if found := SEQ.match(line):
                    seq = int(found[1])
                    counts.events += 1
                    counts.dropped += 0 if last is None else seq - last - 1
                    last = seq
    except httpx.HTTPError:
        counts.broken += 1
        return
    counts.broken += 1


async def _lines(answer: httpx.Response, counts: Counts) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in answer.aiter_raw():
        counts.received_bytes += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line


def slope_kb_per_min(samples: list[Sample]) -> float:
    """The slope of the least squares' line through the memory of ``samples``; NaN of fewer than two."""
    if len(samples) < 2:
        return float("nan")
    fitted = np.polyfit([s.at_s / 60 for s in samples], [s.rss_mb * 1024 for s in samples], 1)
    return float(fitted[0])
