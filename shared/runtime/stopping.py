"""SIGINT and SIGTERM become an event that loops look at; the second signal of a kind ends the process."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_event() -> Iterator[asyncio.Event]:
    """An event of the running loop, set by the first signal. Raises RuntimeError outside a loop."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        event.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield event
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def stop_flag() -> Iterator[threading.Event]:
    """The same for programs without a loop. Raises ValueError outside the main thread."""
    event = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        event.set()

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
