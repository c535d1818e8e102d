"""The local stack as the command line uses it: up, down, status."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from shared.runtime.stopping import stop_flag

from . import processes
from .errors import StackError
from .layout import DataDir
from .leftovers import LockTakenError, is_locked, orphans, stack_lock, sweep
from .options import StackOptions
from .order import Order
from .service import HealthAnswer, ask_health
from .services import SERVICES, ServiceRow
from .state import Part, StackState, read_state

POLL_S: Final = 0.1
UP_TIMEOUT_S: Final = 240.0
DOWN_TIMEOUT_S: Final = 90.0
LOCK_TAKEN: Final = 1
SETTLED: Final = frozenset({"ready", "failed", "waiting"})

OnChange = Callable[[StackState], None]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """A part as it is now: ``running`` by its process, ``health`` as it answers (services only)."""

    part: Part
    running: bool
    health: HealthAnswer | None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """``running`` tells whether a supervisor holds the data dir. ``leftovers`` are orphans of a dead one."""

    running: bool
    state: StackState | None
    parts: tuple[PartStatus, ...]
    leftovers: tuple[processes.ProcessRecord, ...]


class Stack:
    """The stack of one data dir. ``rows`` are the services it may run."""

    def __init__(self, options: StackOptions, rows: Sequence[ServiceRow] = SERVICES) -> None:
        self._data = DataDir.at(Path(options.data_dir))
        self._options = msgspec.structs.replace(options, data_dir=str(self._data.root))
        self._rows = tuple(rows)

    def up(self, on_change: OnChange = lambda _: None) -> tuple[StackState, bool]:
        """Start in the background and wait until every part is ready or has failed.

        Returns the state and whether it was started now; False means a stack was running already and
        nothing was done. Raises StackError when it could not start; everything is down again then.
        """
        self._data.make()
        if is_locked(self._data):
            return self._running_state(), False
        process = self._spawn()
        try:
            return self._wait_up(process, on_change), True
        except BaseException:
            self.down()
            raise

    def run(self, on_change: OnChange = lambda _: None, stop: threading.Event | None = None) -> bool:
        """Run in this process until SIGINT, SIGTERM or ``stop``; then all is down.

        False: a stack was running already and nothing was done. Raises StackError when it could not
        start; everything is down again then. Without ``stop`` it must be called in the main thread.
        """
        # It brings Kafka's client and the jars; whoever only asks or stops a stack starts without them.
        from .supervisor import Supervisor

        supervisor = Supervisor(self._options, self._rows, on_change)
        try:
            if stop is not None:
                supervisor.run(stop)
            else:
                with stop_flag() as signalled:
                    supervisor.run(signalled)
        except LockTakenError:
            return False
        return True

    def down(self) -> list[str]:
        """Stop everything and leave no process behind; names of what was stopped, [] if nothing ran.

        Raises StackError while another program holds the data dir.
        """
        stopped: list[str] = []
        if is_locked(self._data):
            state = self._running_state()
            stopped = [part.name for part in reversed(state.parts) if part.record is not None]
            processes.stop(state.supervisor, DOWN_TIMEOUT_S)
        if not self._data.state_file.exists():
            return stopped
        try:
            with stack_lock(self._data):
                return stopped + sweep(self._data)
        except LockTakenError as error:
            raise StackError(
                "A stack was started while this one stopped.", "Run `assay down` again."
            ) from error

    def status(self) -> StackStatus:
        """What runs now, each service asked for its health."""
        state = read_state(self._data.state_file)
        if state is None:
            return StackStatus(False, None, (), ())
        running = is_locked(self._data)
        left = () if running else tuple(orphans(state))
        return StackStatus(running, state, tuple(map(_status_of, state.parts)), left)

    def _running_state(self) -> StackState:
        """The state of the stack that holds the lock; it may have begun a moment ago."""
        deadline = time.monotonic() + DOWN_TIMEOUT_S
        while time.monotonic() < deadline:
            state = read_state(self._data.state_file)
            if state is not None and processes.find(state.supervisor) is not None:
                return state
            time.sleep(POLL_S)
        raise StackError(
            f"Another program holds {self._data.lock_file}, but no stack answers.",
            "Name another --data-dir, or end that program.",
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        """The supervisor in a session of its own, told what to do on its standard input."""
        with self._data.log("supervisor").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(msgspec.json.encode(Order(self._options, self._rows)))
        # whoever started it collects it when it ends, so that it never stays as a zombie
        threading.Thread(target=process.wait, name="supervisor", daemon=True).start()
        return process

    def _wait_up(self, process: subprocess.Popen[bytes], on_change: OnChange) -> StackState:
        deadline = time.monotonic() + UP_TIMEOUT_S
        seen: StackState | None = None
        while True:
            state = read_state(self._data.state_file)
            ours = state is not None and state.supervisor.pid == process.pid
            if state is not None and ours and state != seen:
                on_change(state)
                seen = state
            if process.poll() is not None:
                return self._after_early_end(process, seen)
            if seen is not None and (_is_settled(seen) or time.monotonic() > deadline):
                return seen
            time.sleep(POLL_S)

    def _after_early_end(self, process: subprocess.Popen[bytes], seen: StackState | None) -> StackState:
        if process.returncode == LOCK_TAKEN:
            return self._running_state()
        if seen is not None and seen.failure is not None:
            raise StackError(*seen.failure)
        raise StackError(
            f"The supervisor ended with code {process.returncode}.",
            f"Its log is {self._data.log('supervisor')}.",
        )


def _is_settled(state: StackState) -> bool:
    """Whether each part is ready or known to fail, so that waiting longer tells nothing new."""
    return state.phase == "running" and all(part.phase in SETTLED for part in state.parts)


def _status_of(part: Part) -> PartStatus:
    running = part.record is not None and processes.find(part.record) is not None
    health = ask_health(part.health_port) if running and part.health_port else None
    return PartStatus(part, running, health)
