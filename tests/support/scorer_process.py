"""Real scorer workers as child processes: started with settings, ended by their own id.

Importing numba and its friends takes seconds of a processor, and a run starts fifty workers. So one process
does it once, the fork server of the standard library, and each worker is forked from it: a process of its
own with an environment of its own, which runs the service's ``main`` from the first line on.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import Any, Final

import pytest

STOP_S: Final = 40.0
LOG_TAIL: Final = 4_000
WARM_UP_S: Final = 240.0
LATE: Final = "kernels loaded at work:"

_FORKS: Final = get_context("forkserver")


def warm_up(data_dir: Path) -> None:
    """Start the process that workers over ``data_dir`` are forked from, and wait until it is warm."""
    _FORKS.set_forkserver_preload(["tests.support.warm_scorer"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_DATA_DIR", str(data_dir))  # where the kernels are kept
        forkserver.ensure_running()
    first = _FORKS.Process(target=os.getpid, daemon=True)
    first.start()
    first.join(WARM_UP_S)
    assert first.exitcode == 0, "the process that workers are forked from is not warm"


def _live(environment: Mapping[str, str], log: Path) -> None:
    with log.open("ab") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())
        os.dup2(sink.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    from services.scorer.__main__ import main  # here, where it is there already

    kernels = _kernels()
    ready = {name: len(found.signatures) for name, found in kernels.items()}
    code = main()
    late = [name for name, found in kernels.items() if len(found.signatures) > ready[name]]
    sys.stderr.write(f"{LATE} {late}\n")
    sys.exit(code)


def _kernels() -> dict[str, Any]:
    """Everything that numba compiles, by name; a worker freezes them, so they are to be looked up before.

    Nothing in a process that is not warm: a worker says where kernels lie before it imports numba.
    """
    if "numba" not in sys.modules:
        return {}
    from numba.core.registry import CPUDispatcher

    found = [kernel for kernel in gc.get_objects() if type(kernel) is CPUDispatcher]
    return {f"{kernel.py_func.__module__}.{kernel.py_func.__name__}": kernel for kernel in found}


class ScorerProcess:
    """One worker: ``python -m services.scorer``, ``environment`` on top of ours, its output in ``log``."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        log.touch()
        self._process = _FORKS.Process(target=_live, args=(dict(environment), log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number after a kill."""
        return self._process.exitcode

    def wait(self, seconds: float = STOP_S) -> int:
        """The exit code, once it ended. Raises AssertionError when it does not in time."""
        self._process.join(seconds)
        code = self.exit_code
        assert code is not None, f"still running after {seconds} s: {self.tail()}"
        return code

    def late_kernels(self) -> str:
        """What a worker that ended by itself had to compile or load at work, as it listed it."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return next(line.removeprefix(LATE).strip() for line in lines if line.startswith(LATE))

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def terminate(self) -> float:
        """SIGTERM; the seconds until it had ended."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
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
