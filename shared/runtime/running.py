"""One asyncio service from start to stop: signals stop it in order, a crash ends it with code 1."""

from __future__ import annotations

import asyncio

from mode import Service

from .logs import get_logger
from .stopping import stop_event

log = get_logger("runtime.running")

LOOK_S = 0.1
AGAIN_S = 1.0
STOP_LIMIT_S = 30.0


async def run_until_stopped(service: Service) -> int:
    """Start ``service``, wait for a signal or its crash, stop it. The exit code: 0, or 1 after a crash."""
    with stop_event() as stopping:
        await _start(service, stopping)
        while not stopping.is_set() and not service.crashed and not service.should_stop:
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_S)
            except TimeoutError:
                continue
        try:
            await asyncio.wait_for(service.stop(), STOP_LIMIT_S)
        except TimeoutError:
            log.error("stop_timed_out", wait_ms=int(STOP_LIMIT_S * 1000))
            return 1
    if service.crash_reason is not None:
        log.error("crashed", error=type(service.crash_reason).__name__, detail=str(service.crash_reason))
        return 1
    return 0


async def _start(service: Service, stopping: asyncio.Event) -> None:
    """Start ``service``; a signal ends a start that waits for something. Raises what the start raises."""
    starting = asyncio.ensure_future(service.start())
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    while not starting.done():  # once may not do: what it waits in may forget that it was cancelled
        starting.cancel()
        await asyncio.wait({starting}, timeout=AGAIN_S)
    if not starting.cancelled():
        starting.result()
