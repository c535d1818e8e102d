"""The console that is measured: one of a stack that runs, or of a small stack of our own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
from msgspec import Struct

from infra.local.kafka import KafkaServer
from infra.local.layout import DataDir
from infra.local.secrets import Secrets
from shared.contracts.topics import TOPICS
from tests.support.archiver_process import ArchiverProcess
from tests.support.console_process import PASSWORD, USER, ConsoleProcess
from tests.support.filled_house import Span, fill
from tests.support.monitor_process import MonitorProcess
from tests.support.service_process import ServiceProcess
from tests.support.topics import create_topics

from .flow import Flow

PORTFOLIO: Final = "bank"
DAY_MS: Final = 86_400_000
FILLED: Final = "filled"
"""Name of the file that says how many decisions a folder was filled with."""
WARM_S: Final = 15.0


class House(Struct, frozen=True, kw_only=True):
    """Where the console is, who signs in, its process, and how many decisions its lake was filled with."""

    url: str
    name: str
    password: str
    pid: int
    decisions: int


def fill_once(folder: Path, count: int) -> float | None:
    """``count`` decisions of the last day, unless they are there; the seconds it took. Raises SystemExit."""
    mark = folder / FILLED
    if mark.exists():
        if mark.read_text() != str(count):
            raise SystemExit(f"{folder} holds {mark.read_text()} decisions: name another folder.")
        return None
    folder.mkdir(parents=True, exist_ok=True)
    started, now_ms = time.monotonic(), time.time_ns() // 1_000_000
    fill(folder, Span(count, now_ms - DAY_MS, now_ms), PORTFOLIO)
    mark.write_text(str(count))
    return time.monotonic() - started


@contextmanager
def own_house(folder: Path, count: int, per_s: float) -> Iterator[House]:
    """Kafka, monitor, archiver and console over the filled ``folder``; decisions flow at ``per_s``."""
    with ExitStack() as stack:
        server = KafkaServer(folder / "kafka")
        server.start()
        stack.callback(server.stop)
        create_topics(server.bootstrap, PORTFOLIO, *[card.name for card in TOPICS])
        where = (server.bootstrap, PORTFOLIO, folder)
        console = ConsoleProcess(*where)
        others: list[ServiceProcess] = [
            MonitorProcess(*where),
            ArchiverProcess(*where, {"WRITE_EVERY_MS": "3000"}),
        ]
        for process in (*others, console):
            stack.callback(process.stop)
        for process in others:
            process.start()
        console.begin()
        stack.enter_context(Flow(server.bootstrap, PORTFOLIO, per_s))
        time.sleep(WARM_S)
        assert console.process is not None
        yield House(url=console.url, name=USER, password=PASSWORD, pid=console.process.pid, decisions=count)


def running_house(url: str, data_dir: Path, decisions: int) -> House:
    """The console at ``url`` of the stack at ``data_dir``. Raises SystemExit."""
    port = urlsplit(url).port
    pids = {
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port
    }
    pid = next(iter(pids), None)
    if pid is None:
        raise SystemExit(f"Nothing of ours listens at {url}.")
    password = Secrets(DataDir.at(data_dir).secrets).console_admin
    return House(
        url=url,
        name=USER,
        password=password.read_text(encoding="ascii").strip(),
        pid=pid,
        decisions=decisions,
    )
