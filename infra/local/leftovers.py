"""What a stack that was killed left behind, and sweeping it: by recorded identity, never by name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from . import processes
from .layout import DataDir
from .processes import ProcessRecord
from .state import StackState, read_state

GRACE_S: Final = 15.0


class LockTakenError(Exception):
    """Another supervisor holds this data dir."""


@contextmanager
def stack_lock(data: DataDir) -> Iterator[None]:
    """Hold the data dir; the system lets go of it when we end, however we end. Raises LockTakenError."""
    with data.lock_file.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockTakenError(str(data.root)) from error
        yield


def is_locked(data: DataDir) -> bool:
    """Whether a supervisor holds the data dir now."""
    if not data.lock_file.exists():
        return False
    try:
        with stack_lock(data):
            return False
    except LockTakenError:
        return True


def orphans(state: StackState) -> list[ProcessRecord]:
    """Recorded processes that still run, last started first."""
    return [record for record in reversed(state.records()) if processes.find(record) is not None]


def sweep(data: DataDir) -> list[str]:
    """Stop what a dead supervisor of this data dir left running; names of what was stopped.

    Services go before Kafka and Redis. Call it under the lock.
    """
    state = read_state(data.state_file)
    if state is None or state.supervisor.pid == os.getpid():
        return []
    return [record.name for record in reversed(state.records()) if processes.stop(record, GRACE_S)]
