"""The whole stack with real processes: up, again up, exits, kill -9 of the supervisor, down, nothing left."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from infra.local.errors import StackError
from infra.local.options import StackOptions
from infra.local.portfolios import FOLDER
from infra.local.secrets import Secrets
from infra.local.services import ServiceRow
from infra.local.stack import PartStatus, Stack
from infra.local.state import StackState

PORTFOLIO_FILE = FOLDER / "bank.toml"
FAKE = "tests.support.fake_service"
ROWS = (
    ServiceRow(name="fake", module=FAKE, per_worker=True, env={"FAKE_CHILD": "yes"}),
    ServiceRow(name="traffic", module=FAKE, default=False, wave=2),
    ServiceRow(name="early", module=FAKE, early=True),
)


def options(folder: Path, *, workers: int = 2, partitions: int = 4, kafka_port: int = 0) -> StackOptions:
    return StackOptions(
        data_dir=str(folder),
        portfolio="t",
        portfolio_file=str(PORTFOLIO_FILE),
        workers=workers,
        simulator=True,
        partitions=partitions,
        kafka_port=kafka_port,
    )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(options(tmp_path), ROWS)
    yield stack
    stack.down()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process whose environment or command names the folder: also those nobody recorded."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if str(folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.05)


def parts(stack: Stack) -> dict[str, PartStatus]:
    return {row.part.name: row for row in stack.status().parts}


def as_(state: StackState, principal: str) -> dict[str, str]:
    secrets = Secrets(Path(state.options.data_dir) / "secrets")
    return secrets.kafka(state.addresses["kafka"], principal).options()


def produce(state: StackState, value: bytes) -> None:
    producer = KafkaProducer(**as_(state, "applications"))
    producer.send("t.transactions", value, partition=0).get(timeout=10)
    producer.close()


def first_value(state: StackState) -> bytes:
    consumer = KafkaConsumer(**as_(state, "scorer"), auto_offset_reset="earliest")
    consumer.assign([TopicPartition("t.transactions", 0)])
    value: bytes = next(consumer).value
    consumer.close()
    return value


def test_life_of_a_stack(stack: Stack, tmp_path: Path) -> None:
    phases: list[str] = []
    state, started = stack.up(lambda seen: phases.extend(part.name for part in seen.parts))
    assert started
    firsts = [phases.index(name) for name in ("redis", "early", "topics", "fake-1", "traffic")]
    assert firsts == sorted(firsts)
    assert {name: row.running for name, row in parts(stack).items() if name != "topics"} == dict.fromkeys(
        ("redis", "kafka", "early", "fake-1", "fake-2", "traffic"), True
    )
    produce(state, b"kept")

    again, started = stack.up()
    assert not started
    assert again.addresses == state.addresses

    health = parts(stack)["fake-1"].health
    assert health is not None
    assert health.notes["kafka"] == state.addresses["kafka"]

    victim = parts(stack)["fake-1"].part.record
    assert victim is not None
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: parts(stack)["fake-1"].part.exits == 1)
    until(lambda: parts(stack)["fake-1"].part.phase == "ready")

    os.kill(state.supervisor.pid, signal.SIGKILL)
    until(lambda: not stack.status().running)
    assert {record.name for record in stack.status().leftovers} == {
        "redis",
        "kafka",
        "early",
        "fake-1",
        "fake-2",
        "traffic",
    }
    before = {process.pid for process in processes_of(tmp_path)}

    state, started = stack.up()
    assert started
    assert state.addresses == again.addresses
    assert before.isdisjoint(process.pid for process in processes_of(tmp_path))
    assert first_value(state) == b"kept"

    stopped = stack.down()
    assert stopped[0] == "traffic"
    assert stopped[-2:] == ["kafka", "redis"]
    assert processes_of(tmp_path) == []
    assert not stack.status().running
    assert stack.down() == []


def test_in_the_foreground_it_runs_until_told_to_stop_and_refuses_other_partitions(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[str] = []

    def stop_when_ready(state: StackState) -> None:
        seen.append(state.phase)
        if state.phase == "running" and all(part.phase == "ready" for part in state.parts):
            stop.set()

    assert Stack(options(tmp_path, workers=1), ROWS).run(stop_when_ready, stop)
    assert seen[-1] == "stopped"
    assert processes_of(tmp_path) == []

    other = Stack(options(tmp_path, workers=1, partitions=6), ROWS)
    with pytest.raises(StackError, match=r"Topic t\.transactions has partitions 4, wanted 6") as caught:
        other.run(lambda _: None, threading.Event())
    assert "recreate" in caught.value.way_out
    assert processes_of(tmp_path) == []


def test_a_named_port_in_use_is_said_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = Stack(options(tmp_path, kafka_port=port), ROWS)
        with pytest.raises(StackError, match=f"Port {port} on loopback is in use"):
            stack.up()
    assert processes_of(tmp_path) == []
    status = stack.status()
    assert status.state is not None
    assert status.state.phase == "failed"


def test_down_and_status_where_nothing_ever_ran(tmp_path: Path) -> None:
    stack = Stack(options(tmp_path / "never"), ROWS)
    assert stack.down() == []
    assert stack.status().state is None
