"""A pid counts only with its start time and its command; what a process started goes with it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local import processes
from infra.local.processes import ProcessRecord

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER
PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(600)"
)


class Started:
    """A process under test, with its handle so that it is collected."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.log = folder / "log"
        self.handle, self.record = processes.spawn(
            "test", [sys.executable, "-c", *words], words[0][:20], self.log, os.environ
        )

    def wait_up(self) -> None:
        while b"up" not in self.log.read_bytes():
            pass

    def collect(self) -> int:
        return self.handle.wait(timeout=5)


def test_a_process_is_found_by_all_three_marks(tmp_path: Path) -> None:
    started = Started(tmp_path, SLEEPER)
    record = started.record
    assert processes.find(record) is not None
    assert processes.find(replace(record, started_s=record.started_s - 60)) is None
    assert processes.find(replace(record, mark="another program")) is None
    assert processes.stop(record, grace_s=5)
    started.collect()
    assert processes.find(record) is None


def test_who_stands_back_does_so_among_sessions_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLEEPER]
    handle, record = processes.spawn("test", command, SLEEPER[:20], tmp_path / "log", os.environ, niceness=7)
    session = Path(f"/proc/{record.pid}/autogroup")
    try:
        assert os.getpriority(os.PRIO_PROCESS, record.pid) == 7
        if session.exists() and session.read_text():
            assert session.read_text().split()[1:] == ["nice", "7"]
    finally:
        processes.kill(record)
        handle.wait(timeout=5)


@pytest.mark.parametrize(("started_s", "mark"), [(1.0, ""), (0.0, "another program")])
def test_a_process_that_only_has_the_pid_is_left_alone(tmp_path: Path, started_s: float, mark: str) -> None:
    started = Started(tmp_path, SLEEPER)
    record = started.record
    other = replace(record, started_s=started_s or record.started_s, mark=mark or record.mark)
    assert not processes.stop(other, grace_s=1)
    assert started.handle.poll() is None
    processes.kill(record)
    started.collect()


def test_one_that_ignores_the_first_signal_is_killed(tmp_path: Path) -> None:
    started = Started(tmp_path, STUBBORN)
    started.wait_up()
    assert processes.stop(started.record, grace_s=0.2)
    assert started.collect() == -9


def test_children_of_children_go_too_even_when_their_parent_is_gone(tmp_path: Path) -> None:
    started = Started(tmp_path, PARENT, STUBBORN)
    started.wait_up()
    (child,) = psutil.Process(started.record.pid).children()
    started.handle.kill()
    started.collect()
    assert child.is_running()
    assert processes.stop(started.record, grace_s=0.2)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_stopping_what_is_gone_says_so(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    assert not processes.stop(ProcessRecord("gone", gone.pid, 1.0, "pass"), grace_s=1)
    missing = tmp_path / "no such program"
    with pytest.raises(OSError, match="No such file"):
        processes.spawn("x", [str(missing)], "x", tmp_path / "log", os.environ)
