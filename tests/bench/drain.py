"""Drains: start a system on a full topic, and time its outputs by the broker's own clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
from kafka import KafkaConsumer, TopicPartition

from .bed import WORKER_CORE, Bed

DEADLINE_S = 600.0
LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain: payments, microseconds of wall time each between first and last output, CPU by process."""

    count: int
    wall_us: float
    cpu_us: dict[str, float]
    raw_scores: dict[str, float]


@contextmanager
def looking(bootstrap: str) -> Iterator[Callable[[str], int]]:
    """A look at how many records stand on a topic that costs the broker one request."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    try:

        def look(topic: str) -> int:
            places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            return sum(consumer.end_offsets(places).values())

        yield look
    finally:
        consumer.close()


def drain(bed: Bed, words: Sequence[str], environment: Mapping[str, str], output: str, count: int) -> Drained:
    """Run ``python words`` pinned to the worker's core until ``count`` records stand on ``output``."""
    with running(bed, words, environment) as worker, looking(bed.kafka.bootstrap) as look:
        before = {name: _cpu_s(pid) for name, pid in _processes(bed, worker.pid).items()}
        deadline = time.monotonic() + DEADLINE_S
        started = 0
        while (done := look(output)) < count:
            if started == 0 and done:
                started = done
                before = {name: _cpu_s(pid) for name, pid in _processes(bed, worker.pid).items()}
            if worker.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{words[1]} stopped at {done} of {count}; see {bed.folder}/worker.log")
            time.sleep(LOOK_S)
        after = {name: _cpu_s(pid) for name, pid in _processes(bed, worker.pid).items()}
    times, scores = read_outputs(bed.kafka.bootstrap, output)
    spent = {name: (after[name] - before[name]) / max(count - started, 1) * 1e6 for name in after}
    return Drained(count, (times[1] - times[0]) * 1000 / (count - 1), spent, scores)


def _processes(bed: Bed, worker: int) -> dict[str, int]:
    return {"worker": worker, "broker": bed.kafka.pid, "redis": bed.redis.pid}


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


@contextmanager
def running(
    bed: Bed, words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the system under test, stopped by its own id at the end."""
    command = ["taskset", "-c", str(WORKER_CORE), sys.executable, *words]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    with Path(bed.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **threads, **environment}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read_outputs(bootstrap: str, topic: str) -> tuple[tuple[int, int], dict[str, float]]:
    """(first, last) append time in ms, and raw score by payment, of the records on ``topic``."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    scores: dict[str, float] = {}
    times: list[int] = []
    try:
        places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(1000, max_records=5000).values():
                times += (records[0].timestamp, records[-1].timestamp)
                for record in records:
                    decision = orjson.loads(record.value)
                    scores.setdefault(decision["tx_id"], decision["raw_score"])
    finally:
        consumer.close()
    return (min(times), max(times)), scores
