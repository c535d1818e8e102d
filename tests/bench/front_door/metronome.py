"""Ticks at a constant rate, by the kernel's timer: the event loop's own timers round to a millisecond."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME
_NANOS: Final = 1_000_000_000
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@contextmanager
def ticking(start_ns: int, every_ns: int, due: Callable[[int], None]) -> Iterator[None]:
    """Calls ``due(n)`` in the running loop when n more ticks have passed; tick k is at start + k * every.

    Times are of the monotonic clock. Raises OSError where the kernel gives no timer (it is Linux's).
    """
    timer = _timer(start_ns, every_ns)
    loop = asyncio.get_running_loop()

    def passed() -> None:
        try:
            (ticks,) = struct.unpack("Q", os.read(timer, 8))
        except BlockingIOError:
            return  # the loop saw it readable twice
        due(ticks)

    loop.add_reader(timer, passed)
    try:
        yield
    finally:
        loop.remove_reader(timer)
        os.close(timer)


def now_ns() -> int:
    """The clock of the ticks."""
    return time.monotonic_ns()


def _timer(start_ns: int, every_ns: int) -> int:
    timer = _checked(_LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
    plan = struct.pack("4q", *divmod(every_ns, _NANOS), *divmod(start_ns, _NANOS))
    _checked(_LIBC.timerfd_settime(timer, _ABSOLUTE, plan, None))
    return timer


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
