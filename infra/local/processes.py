"""Child processes by identity: a pid counts only with its start time and its command.

A pid alone says nothing after a reboot or a busy day: another program may have it. So nothing is ever
stopped unless pid, start time and a mark in the command line agree with what was recorded at its start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

START_TIME_TOLERANCE_S: Final = 1.5
POLL_S: Final = 0.02
KILL_WAIT_S: Final = 5.0
NEWBORN_S: Final = 0.5
ASIDE_TRIES: Final = 12
ASIDE_AGAIN_S: Final = 0.1
"""Who is not root may change how a session stands back once in so long, whichever session it is."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Who was started: ``started_s`` is Unix time, ``mark`` a text that stands in its command line.

    The process leads a session of its own, so its pid is also the number of its group.
    """

    name: str
    pid: int
    started_s: float
    mark: str


def spawn(
    name: str, command: Sequence[str], mark: str, log_path: Path, env: Mapping[str, str], niceness: int = 0
) -> tuple[subprocess.Popen[bytes], ProcessRecord]:
    """Start ``command`` in a session of its own, output appended to ``log_path``. Raises OSError."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    if niceness:
        _stand_back(process.pid, niceness)
    return process, ProcessRecord(name, process.pid, _start_time_s(process.pid), mark)


def _stand_back(pid: int, niceness: int) -> None:
    """Let a newborn process that leads a session give way to others.

    At once, before it has threads: what it starts later inherits. Where the kernel has autogroups it shares
    the processors out between sessions first, and a niceness counts within its session alone: there the
    session's own is set too.
    """
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    session = Path(f"/proc/{pid}/autogroup")
    for _ in range(ASIDE_TRIES):
        try:
            session.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(ASIDE_AGAIN_S)
        except OSError:
            return  # no autogroups here, or the process is gone
        else:
            return


def _start_time_s(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()


def find(record: ProcessRecord) -> psutil.Process | None:
    """The recorded process if it still runs, else None. A zombie counts as gone."""
    try:
        process = psutil.Process(record.pid)
        same_start = abs(process.create_time() - record.started_s) < START_TIME_TOLERANCE_S
        if not same_start or process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process if record.mark in _command_line(process) else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _command_line(process: psutil.Process) -> str:
    """The words of a process; a newborn one has none for a moment."""
    deadline = time.monotonic() + NEWBORN_S
    words = process.cmdline()
    while not words and time.monotonic() < deadline:
        time.sleep(POLL_S)
        words = process.cmdline()
    return " ".join(words)


def _session_members(record: ProcessRecord) -> list[psutil.Process]:
    """Processes that ``record`` started in its session, itself included, whoever their parent is now."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != record.pid or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.create_time() >= record.started_s - START_TIME_TOLERANCE_S:
                members.append(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return members


def stop(record: ProcessRecord, grace_s: float) -> bool:
    """End the process and all it started: SIGTERM, ``grace_s`` to leave, then SIGKILL to what is left.

    Returns whether anything was running. A process that merely has the recorded pid is left alone.
    """
    leader = find(record)
    if leader is None and psutil.pid_exists(record.pid) and not _is_zombie(record.pid):
        return False
    if leader is not None:
        _signal(leader, signal.SIGTERM)
        _wait_gone([leader], grace_s)
    rest = _session_members(record)
    for process in rest:
        _signal(process, signal.SIGKILL)
    _wait_gone(rest, KILL_WAIT_S)
    return leader is not None or bool(rest)


def kill(record: ProcessRecord) -> None:
    """SIGKILL to the process and all it started, at once."""
    members = _session_members(record) if find(record) is not None else []
    for process in members:
        _signal(process, signal.SIGKILL)
    _wait_gone(members, KILL_WAIT_S)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _wait_gone(processes: Sequence[psutil.Process], timeout_s: float) -> None:
    """Until each has ended (a zombie waits for its parent only, so it counts) or the time is over."""
    deadline = time.monotonic() + timeout_s
    left = list(processes)
    while left and time.monotonic() < deadline:
        left = [process for process in left if process.is_running() and not _is_zombie(process.pid)]
        if left:
            time.sleep(POLL_S)
