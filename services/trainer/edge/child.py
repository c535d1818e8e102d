"""One training in a process of its own, ended when we end or when it takes too long."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

from .order import Desk, Order

TAIL_BYTES: Final = 2_000


class ChildFailed(Exception):
    """The child left no result; the text says how it ended."""


async def train_in_child(desk: Desk, order: Order, limit_seconds: float) -> None:
    """Run the child until its result stands on the desk. Raises ChildFailed, OSError."""
    desk.write_order(order)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.trainer.edge.training_job",
        str(desk.order_path),
        str(desk.result_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert child.stderr is not None
        words = await asyncio.wait_for(child.stderr.read(), limit_seconds)
        code = await child.wait()
    except TimeoutError:
        raise ChildFailed(f"it took longer than {limit_seconds:.0f} s") from None
    finally:
        await _end(child)
    if code:
        raise ChildFailed(_ending(code, words))


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()
        await child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _ending(code: int, words: bytes) -> str:
    lines = words[-TAIL_BYTES:].decode(errors="replace").strip().splitlines()
    how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"{how}: {lines[-1][:300]}" if lines else how
