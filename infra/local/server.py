"""A server as a child process: launch, wait until it answers, stop, restart. Kafka, Redis, services."""

from __future__ import annotations

import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from . import processes
from .errors import StackError
from .processes import ProcessRecord

PROBE_EVERY_S: Final = 0.05
SHOWN_CHARACTERS: Final = 300


class Server(ABC):
    """One child process with its log. Sub-classes say how it is prepared, started and asked if it is ready.

    ``ready_timeout_s`` bounds the wait for the first answer, ``grace_s`` the wait after SIGTERM.
    ``niceness`` is how far its processes stand back from others, as `os.nice` counts.
    """

    ready_timeout_s: float = 60.0
    grace_s: float = 15.0
    niceness: int = 0

    def __init__(self, name: str, log_path: Path, mark: str) -> None:
        self.name = name
        self.log_path = log_path
        self._mark = mark
        self._process: subprocess.Popen[bytes] | None = None
        self.record: ProcessRecord | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The words of the command line; one of them holds the server's mark."""

    @abstractmethod
    def probe(self) -> bool:
        """Whether the server answers as a ready one does. Never raises for a server that is away."""

    def prepare(self) -> None:  # noqa: B027 - nothing to prepare is a fine answer
        """What must stand on disk before the start; may raise StackError."""

    def environment(self) -> Mapping[str, str]:
        """Variables of the child: ours unless a sub-class adds some."""
        return os.environ

    @property
    def pid(self) -> int:
        """The pid of the running process. Raises StackError when it was not started."""
        if self.record is None:
            raise StackError(f"{self.name} is not running.", "Start it first.")
        return self.record.pid

    def launch(self) -> ProcessRecord:
        """Start the process without waiting for it. Raises StackError."""
        self.prepare()
        try:
            self._process, self.record = processes.spawn(
                self.name, self.command(), self._mark, self.log_path, self.environment(), self.niceness
            )
        except OSError as error:
            raise StackError(f"{self.name} could not be started: {error}.", "Run `assay doctor`.") from error
        return self.record

    def exit_code(self) -> int | None:
        """The exit code of a process that ended by itself, None while it runs or before the first start."""
        return None if self._process is None else self._process.poll()

    def wait_ready(self) -> float:
        """Seconds until the server was ready. Raises StackError if it exits or takes too long."""
        started = time.monotonic()
        while not self.probe():
            waited_s = time.monotonic() - started
            code = self.exit_code()
            if code is not None:
                raise StackError(
                    f"{self.name} exited with code {code} before it was ready: {self.last_line()}",
                    f"Its log is {self.log_path}.",
                )
            if waited_s > self.ready_timeout_s:
                raise StackError(
                    f"{self.name} was not ready after {self.ready_timeout_s:.0f} s: {self.last_line()}",
                    f"Its log is {self.log_path}.",
                )
            time.sleep(PROBE_EVERY_S)
        return time.monotonic() - started

    def start(self) -> None:
        """Launch and wait until ready; one that does not get there is stopped again. Raises StackError."""
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """SIGTERM, grace, SIGKILL; all that it started goes with it. Nothing happens if it is not running."""
        if self.record is not None:
            processes.stop(self.record, self.grace_s)
        self._reap()

    def kill(self) -> None:
        """SIGKILL at once, for fault tests."""
        if self.record is not None:
            processes.kill(self.record)
        self._reap()

    def restart(self) -> None:
        """Stop and start with the same folder and addresses. Raises StackError."""
        self.stop()
        self.start()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=self.grace_s)
        self._process, self.record = None, None

    def last_line(self) -> str:
        """The last line of the log that says something, shortened."""
        try:
            text = self.log_path.read_bytes()[-4096:].decode("utf-8", "replace")
        except OSError:
            return "it has no log"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return _readable(lines[-1])[:SHOWN_CHARACTERS] if lines else "its log is empty"


def _readable(line: str) -> str:
    """A line of our JSON logs as ``event: detail``; any other as it is."""
    try:
        told = json.loads(line)
    except ValueError:
        return line
    if not isinstance(told, dict) or "event" not in told:
        return line
    return ": ".join(str(told[key]) for key in ("event", "error", "detail") if key in told)
