"""The steps in processes of their own. Light: what a step needs is loaded where it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

STEPS: Final = "services.replayer.edge.steps"
THREADS: Final = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Each process is one processor's: what its libraries would start beside it is switched off."""


Call = tuple[str, tuple[Any, ...]]
"""A step by name, and what it is told beside its ground."""


class Order(Struct, frozen=True, kw_only=True):
    """Where a process finds everything; decisions written to their topic after ``until_ms`` are left out."""

    portfolio: str
    portfolio_file: Path | None
    data_dir: Path
    scratch: Path
    times: tuple[int | None, int | None]
    until_ms: int


_GROUND: list[Any] = []
"""What the steps of this process stand on, once it is built."""


def _begin(order: Order) -> None:
    _GROUND[:] = [import_module(STEPS).ground_of(order)]


def _do(step: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(import_module(STEPS), step)(_GROUND[0], *arguments)


class Workers:
    """Runs steps by name, each result as it comes."""

    def __init__(self, order: Order, processes: int, pool: ProcessPoolExecutor | None) -> None:
        self._order = order
        self._processes = processes
        self._pool = pool

    def start(self) -> None:
        """Let every process load what it needs; returns at once where they are others."""
        if self._pool is None:
            _begin(self._order)
        else:
            for _ in range(self._processes):  # one is started for each call that finds nobody idle
                self._pool.submit(os.getpid)

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """(number of the call, result); in no order where there are several processes."""
        if self._pool is None:
            yield from ((k, _do(*call)) for k, call in enumerate(calls))
            return
        futures: dict[Future[Any], int] = {self._pool.submit(_do, *call): k for k, call in enumerate(calls)}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()


@contextmanager
def workers(order: Order, processes: int) -> Iterator[Workers]:
    """``processes`` of them, or none but ourselves for one."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if processes == 1:
        yield Workers(order, 1, None)
        return
    # Each loads its libraries itself: forked from one that has, their threads' locks could be held for ever.
    context = get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(order,))
    try:
        yield Workers(order, processes, pool)
    finally:
        pool.shutdown(cancel_futures=True)
