"""Alerts of the running monitor on a real broker: a caller falls silent, records are refused, a worker
goes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from infra.local.kafka import KafkaServer
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode, encode
from shared.contracts.operations import Alert, Status
from shared.contracts.topics import TOPICS
from shared.stores.monitor_tables import ALERTS
from tests.support.lake_messages import FakeMessage, decision
from tests.support.monitor_process import MonitorProcess
from tests.support.monitor_records import dead_letter
from tests.support.service_process import produce, wait_until
from tests.support.topics import create_topics

SILENT_MS = 60_000
STILL_TO_GO_MS = 6_000
EVERY_MS = 500


@pytest.fixture
def monitor(kafka_server: KafkaServer, tmp_path: Path) -> Iterator[MonitorProcess]:
    portfolio = f"alert{uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, *[card.name for card in TOPICS])
    monitor = MonitorProcess(kafka_server.bootstrap, portfolio, tmp_path, {"JUDGE_EVERY_MS": str(EVERY_MS)})
    yield monitor
    monitor.stop(signal.SIGKILL)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def decided(monitor: MonitorProcess, caller: str, times_ms: list[int]) -> None:
    records = [replace(decision(i), caller=caller, decided_at_ms=at) for i, at in enumerate(times_ms)]
    topic = f"{monitor.portfolio}.decisions"
    produce(monitor.bootstrap, [FakeMessage(topic, i % 2, 0, encode(r)) for i, r in enumerate(records)])


def alerts(monitor: MonitorProcess) -> list[Alert]:
    with KafkaLook(KafkaAddress(monitor.bootstrap)) as look:
        return [decode(Alert, t.value or b"") for t in look.read_all([f"{monitor.portfolio}.alerts"])]


def kept(monitor: MonitorProcess) -> dict[tuple[str, str], str]:
    with monitor.database() as database, database.reading() as sql:
        return {(row.rule, row.subject): row.state for row in sql.execute(ALERTS.select())}


def wait_for(monitor: MonitorProcess, rule: str, subject: str, state: str) -> Alert:
    def found() -> list[Alert]:
        return [a for a in alerts(monitor) if (a.rule, a.subject, a.state) == (rule, subject, state)]

    wait_until(lambda: bool(found()), f"{rule} {subject} {state}", monitor.log)
    return found()[0]


def test_a_caller_that_falls_silent_is_told_and_told_again_when_it_pays(
    monitor: MonitorProcess, record_property: Callable[[str, object], None]
) -> None:
    last_ms = now_ms() - SILENT_MS + STILL_TO_GO_MS
    decided(monitor, "checkout", [last_ms - i * 2_000 for i in range(200)])
    monitor.start()
    alert = wait_for(monitor, "caller_silent", "checkout", "firing")
    assert alert.at_ms - last_ms >= SILENT_MS
    assert alert.value >= alert.limit == 1.0
    record_property("told_after_ms", alert.at_ms - last_ms)
    decided(monitor, "checkout", [now_ms()])
    wait_for(monitor, "caller_silent", "checkout", "cleared")
    assert [a.state for a in alerts(monitor) if a.rule == "caller_silent"] == ["firing", "cleared"]
    wait_until(lambda: kept(monitor).get(("caller_silent", "checkout")) == "cleared", "kept", monitor.log)


def test_refused_records_raise_both_their_alerts(monitor: MonitorProcess) -> None:
    decided(monitor, "checkout", [now_ms()] * 50)
    letters = [encode(dead_letter(i, "field_type", now_ms())) for i in range(20)]
    topic = f"{monitor.portfolio}.dead-letters"
    produce(monitor.bootstrap, [FakeMessage(topic, i % 2, 0, raw) for i, raw in enumerate(letters)])
    monitor.start()
    share = wait_for(monitor, "dead_letters", "", "firing")
    assert (share.value, share.detail) == (
        20 / 70,
        "20 dead letters beside 50 decisions, most of them field_type",
    )
    wait_for(monitor, "new_refusal", "bank.transactions field_type", "firing")


def test_a_worker_that_says_nothing_is_missed_also_after_a_restart_of_the_monitor(
    monitor: MonitorProcess,
) -> None:
    status = Status(
        v=1,
        service="scorer",
        instance="7",
        at_ms=now_ms() - 5_000,
        state="ready",
        portfolio=monitor.portfolio,
    )
    produce(monitor.bootstrap, [FakeMessage("status", 0, 0, encode(status))])
    monitor.start()
    alert = wait_for(monitor, "service_down", "scorer-7", "firing")
    assert alert.value >= 10.0
    wait_until(lambda: kept(monitor).get(("service_down", "scorer-7")) == "firing", "kept", monitor.log)
    monitor.stop(signal.SIGKILL)
    monitor.start()
    back = replace(status, at_ms=now_ms() + 60_000)
    produce(monitor.bootstrap, [FakeMessage("status", 0, 0, encode(back))])
    wait_for(monitor, "service_down", "scorer-7", "cleared")
    assert [a.state for a in alerts(monitor) if a.rule == "service_down"] == ["firing", "cleared"]
