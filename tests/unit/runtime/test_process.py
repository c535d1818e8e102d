"""Clock, memory, signals and the kernel cache of one process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from mode import Service

from shared.runtime import numba_cache
from shared.runtime.clock import Clock, FixedClock, SystemClock
from shared.runtime.memory import rss_bytes
from shared.runtime.running import run_until_stopped
from shared.runtime.stopping import stop_event, stop_flag


def test_clocks() -> None:
    fixed = FixedClock(1_000)
    clocks: list[Clock] = [fixed, SystemClock()]
    assert clocks[0].now_ms() == 1_000
    fixed.advance(-5)
    assert fixed.now_ms() == 995
    assert abs(clocks[1].now_ms() - time.time() * 1000) < 5_000


def test_memory_is_in_bytes() -> None:
    assert 10_000_000 < rss_bytes() < 100_000_000_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_sets_the_event_of_the_loop(number: signal.Signals) -> None:
    with stop_event() as event:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(event.wait(), 5)


class _Waiting(Service):
    """Never done with its start."""

    async def on_start(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()


async def test_a_signal_ends_a_start_that_waits() -> None:
    service = _Waiting()
    assert await asyncio.wait_for(run_until_stopped(service), 5) == 0
    assert service.should_stop


class _Forgetful(Service):
    """Goes on after it was cancelled, once."""

    async def on_start(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()


async def test_a_start_that_forgets_is_told_again() -> None:
    assert await asyncio.wait_for(run_until_stopped(_Forgetful()), 5) == 0


class _Broken(Service):
    async def on_start(self) -> None:
        raise ValueError("no way to start")


async def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(ValueError, match="no way to start"):
        await run_until_stopped(_Broken())


def test_a_signal_sets_the_flag_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_flag() as flag:
        os.kill(os.getpid(), signal.SIGTERM)
        assert flag.wait(5)
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.fixture
def room(tmp_path: Path) -> Path:
    room = tmp_path / "features"
    room.mkdir()
    (room / "kernel.py").write_text("x = 1\n")
    return room


def test_the_cache_folder_follows_every_source(room: Path) -> None:
    first = numba_cache.sources_hash([room])
    assert numba_cache.sources_hash([room]) == first
    (room / "callee.py").write_text("y = 1\n")
    second = numba_cache.sources_hash([room])
    (room / "callee.py").write_text("y = 2\n")
    assert len({first, second, numba_cache.sources_hash([room])}) == 3


def test_the_cache_is_set_and_old_folders_go(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.setenv(numba_cache.VARIABLE, "")
    for number in range(5):
        (room / "kernel.py").write_text(f"x = {number}\n")
        folder = numba_cache.prepare(tmp_path / "data", [room])
        assert os.environ[numba_cache.VARIABLE] == str(folder)
        os.utime(folder, (number, number))
    kept = list((tmp_path / "data" / "numba").iterdir())
    assert len(kept) == numba_cache.KEPT
    assert folder in kept


def test_too_late_is_an_error(room: Path, tmp_path: Path) -> None:
    code = (
        "import sys, types; sys.modules['numba'] = types.ModuleType('numba');"
        "from pathlib import Path; from shared.runtime.numba_cache import prepare;"
        f"prepare(Path({str(tmp_path)!r}), [Path({str(room)!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "before numba is imported" in done.stderr
