"""``python -m tests.bench.verify``: decisions of a published month that `assay verify` makes again, a second.

A house of its own loads three weeks, trains on them and lets a champion decide the month that follows. Then
all but the broker is stopped, and the replayer is run several times, as the command runs it. Beside each run
stand a fixed loop, timed just before it, and what took processor time meanwhile. Nothing is asserted. A
folder named by ``--data-dir`` is kept, and taken as it is when it has been loaded before.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

from infra.local.kafka import KafkaServer
from infra.local.layout import DataDir
from infra.local.replay_run import ReplayRun
from infra.local.secrets import Secrets
from shared.contracts.verification import Verified, VerifyFailed, VerifyProgress
from tests.quality.house import House
from tests.support import handbook

PORTFOLIO: Final = "handbook15"
BEGIN: Final = "2018-04-01"
MONTH: Final = ("2018-04-22", "2018-05-22")
LABEL_DELAY: Final = "7d"
LOOP: Final = 10_000_000
TICKS_A_SECOND: Final = 100.0


def main() -> int:
    """Load unless it is loaded, run, print; 1 where a decision did not come out again."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.verify", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="load here, or use what was loaded here")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--processes", type=int, default=0, help="0: one per processor")
    told = parser.parse_args()
    if reason := handbook.absence():
        print(f"verify: skipped: {reason}")
        return 0
    folder = told.data_dir or Path(tempfile.mkdtemp(prefix="assay-verify-"))
    try:
        return _run(DataDir.at(folder), told.runs, told.processes)
    finally:
        if told.data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(data: DataDir, runs: int, processes: int) -> int:
    if not (data.root / "lake" / "decisions").is_dir():
        _load(data)
    with _broker(data) as kafka:
        return max([_told(_verify(data, kafka, processes)) for _ in range(runs)], default=0)


def _load(data: DataDir) -> None:
    """Three weeks, a champion, the month. Raises StepFailed."""
    here = House(data.root, PORTFOLIO, workers=1)
    weeks = (BEGIN, MONTH[0]), MONTH
    try:
        here.up()
        for number, (begin, end) in enumerate(weeks):
            words = ("--from", begin, "--to", end, "--labels-after", LABEL_DELAY, "--wait")
            loaded = here.ask("ingest", str(handbook.FOLDER), *words)
            print(f"loaded {loaded['transactions']:,} payments from {begin} to {end}", flush=True)
            if number == 0:
                here.ask("train", "--as-of", end, "--days", "7", "--promote", "champion")
    finally:
        here.down()


@contextmanager
def _broker(data: DataDir) -> Iterator[KafkaServer]:
    """The house's broker and nothing else of it."""
    kafka = KafkaServer(data.kafka, log_path=data.log("kafka"), secrets=Secrets(data.secrets))
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()


@dataclass(frozen=True, slots=True)
class Run:
    """One verification: what it said, its wall seconds from the first process on, and the machine's."""

    found: Verified
    loop_s: float
    wall_s: float
    own_s: float
    other_s: float
    stolen_s: float


def _verify(data: DataDir, kafka: KafkaServer, processes: int) -> Run:
    """One run. Raises SystemExit where it gave no answer."""
    run = ReplayRun(
        data=data,
        kafka=Secrets(data.secrets).kafka(kafka.bootstrap, "replayer"),
        portfolio=PORTFOLIO,
        portfolio_file=None,
        from_ms=_ms(MONTH[0]),
        to_ms=_ms(MONTH[1]),
        processes=processes,
    )
    loop_s = _loop()
    busy, stolen, own, began = *_machine(), _children(), time.monotonic()
    (found,) = [line for line in run.lines() if not isinstance(line, VerifyProgress)]
    wall_s, own_s = time.monotonic() - began, _children() - own
    if isinstance(found, VerifyFailed):
        raise SystemExit(found.sentence)
    now_busy, now_stolen = _machine()
    return Run(found, loop_s, wall_s, own_s, now_busy - busy - own_s, now_stolen - stolen)


def _ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


def _loop() -> float:
    """Seconds that this machine takes for a fixed piece of work now."""
    began = time.perf_counter()
    for _ in range(LOOP):
        pass
    return time.perf_counter() - began


def _machine() -> tuple[float, float]:
    """Seconds that all processors worked, and that were stolen from them, since the machine started."""
    words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, words[:8])
    return (user + nice + system + irq + softirq) / TICKS_A_SECOND, steal / TICKS_A_SECOND


def _children() -> float:
    """Processor seconds of all processes that we started and that have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _told(run: Run) -> int:
    found = run.found
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.stage_seconds.items())
    print(
        f"{found.identical:,} of {found.decisions:,} identical, {found.records:,} records of the log\n"
        f"  {found.seconds:.1f} s, {found.decisions / found.seconds:,.0f} decisions/s by "
        f"{found.processes} processes ({run.wall_s:.1f} s with their start); {stages}\n"
        f"  processor seconds: ours {run.own_s:.1f}, of others {run.other_s:.1f}, stolen {run.stolen_s:.1f}; "
        f"{LOOP // 1_000_000} million loops {run.loop_s:.2f} s",
        flush=True,
    )
    return 0 if found.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
