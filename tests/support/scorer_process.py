"""Real scorer workers as child processes: started with settings, ended by their own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

STOP_S: Final = 40.0
LOG_TAIL: Final = 4_000


class ScorerProcess:
    """One worker: ``python -m services.scorer`` with ``environment`` on top of ours; logs go to ``log``."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.scorer"],
                env={**os.environ, **environment},
                stdout=sink,
                stderr=sink,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number after a kill."""
        return self._process.poll()

    def wait(self, seconds: float = STOP_S) -> int:
        """The exit code, once it ended. Raises AssertionError when it does not in time."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s: {self.tail()}") from None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_S)

    def terminate(self) -> float:
        """SIGTERM; the seconds until it had ended."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self.wait()
        return time.monotonic() - began

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-LOG_TAIL:]


def wait_until(
    holds: Callable[[], bool], seconds: float, what: Callable[[], str], every_s: float = 0.1
) -> None:
    """Look until ``holds``. Raises AssertionError with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what()}"
        time.sleep(every_s)
