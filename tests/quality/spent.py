"""CPU time of the stack's parts and of our own commands."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from time import monotonic

import psutil

from tests.quality.figures import Spent

COMMAND = "assay ingest"


class Meter:
    """Reads process times when made and when asked; a part that ended in between counts for nothing."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._begun = monotonic()
        self._before = self._read()

    def spent(self) -> Spent:
        """Since it was made."""
        now = self._read()
        by_part = {name: now[name] - before for name, before in self._before.items() if name in now}
        return Spent(monotonic() - self._begun, by_part)

    def _read(self) -> dict[str, float]:
        times = {name: seconds for name, pid in self._pids.items() if (seconds := _cpu_s(pid)) is not None}
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {**times, COMMAND: ended.ru_utime + ended.ru_stime}


def _cpu_s(pid: int) -> float | None:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return None
    return float(times.user + times.system)
