"""Drift on a real broker: captures that moved raise the alert; a model without a reference says so."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from infra.local.kafka import KafkaServer
from shared.contracts.codec import encode
from shared.contracts.models import ModelRef, Policy
from shared.contracts.topics import TOPICS
from shared.evaluation.drift import ModelReference, drift_of, reference_of
from shared.scoring.release import first_content, next_release
from shared.stores.artefacts import ArtefactStore
from shared.stores.manifest import MODEL_FILE, REFERENCE_FILE
from shared.stores.monitor_tables import DRIFT
from shared.stores.signing import open_signer
from tests.support.lake_messages import CAPTURE_HEADERS, FakeMessage, capture_body
from tests.support.models import small_card, small_model
from tests.support.monitor_process import MonitorProcess
from tests.support.service_process import produce, wait_until
from tests.support.topics import create_topics
from tests.unit.monitor.test_sampling import lowest

from .test_alerts_fire import wait_for

WINDOW_MS = 3_000
PAYMENTS = 600
REFERENCE = ModelReference(
    v=1,
    rows=1_000,
    features=[
        reference_of("calm", np.arange(float(PAYMENTS))),
        reference_of("moved", np.arange(float(PAYMENTS)) + 300),
        reference_of("missing", np.full(PAYMENTS, np.nan)),
    ],
    score=reference_of("score", np.linspace(0, 0.1, PAYMENTS)),
)


@pytest.fixture
def monitor(kafka_server: KafkaServer, tmp_path: Path) -> Iterator[MonitorProcess]:
    portfolio = f"drift{uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, *[card.name for card in TOPICS])
    given = {"JUDGE_EVERY_MS": "500", "WINDOW_MS": str(WINDOW_MS), "SAMPLE_ROWS": "500"}
    monitor = MonitorProcess(kafka_server.bootstrap, portfolio, tmp_path, given)
    yield monitor
    monitor.stop(signal.SIGKILL)


def release(monitor: MonitorProcess, with_reference: bool = True) -> None:
    """Release 1 has no champion, release 2 a model with or without the reference of its training."""
    signer = open_signer(monitor.data_dir / "keys", "test")
    card, model = small_card(monitor.portfolio, "trees"), small_model()
    files = {MODEL_FILE: model.text.encode()}
    if with_reference:
        files[REFERENCE_FILE] = encode(REFERENCE)
    artefact = ArtefactStore(monitor.data_dir / "artefacts").put(files, card, model.golden, signer)
    first = first_content(monitor.portfolio, "f" * 64, "l" * 64, Policy(), {}, "salt")
    one = next_release(first, None, 1_700_000_000_000, "test", "first", "r1", signer)
    champion = ModelRef(name="trees", version="1", artefact=artefact)
    content = type(first)(**{**{n: getattr(first, n) for n in first.__struct_fields__}, "champion": champion})
    two = next_release(content, one, 1_700_000_000_001, "test", "second", "r2", signer)
    topic = f"{monitor.portfolio}.releases"
    produce(monitor.bootstrap, [FakeMessage(topic, 0, 0, encode(entry)) for entry in (one, two)])


def capture(monitor: MonitorProcess) -> None:
    """Two captures of `PAYMENTS` payments together, on two partitions; the scores are all 0.2."""
    topic = f"{monitor.portfolio}.captures"
    bodies = [capture_body(range(i, PAYMENTS, 2)) for i in (0, 1)]
    produce(
        monitor.bootstrap,
        [FakeMessage(topic, i, 0, body, headers=CAPTURE_HEADERS) for i, body in enumerate(bodies)],
    )


def rows(monitor: MonitorProcess) -> list[tuple[int, str, str, int, float | None]]:
    with monitor.database() as database, database.reading() as sql:
        found = sql.execute(DRIFT.select().order_by(DRIFT.c.window_ms, DRIFT.c.subject)).all()
    return [(row.window_ms, row.model, row.subject, row.sample, row.psi) for row in found]


def test_what_moved_raises_its_alert_and_what_did_not_is_calm(
    monitor: MonitorProcess, record_property: Callable[[str, object], None]
) -> None:
    release(monitor)
    monitor.start()
    monitor.wait_reading()
    started_s = time.monotonic()
    for _ in range(4):  # two windows in a row, wherever they begin
        capture(monitor)
        time.sleep(WINDOW_MS / 2_000)
    alert = wait_for(monitor, "drift_feature", "moved", "firing")
    record_property("told_after_s", time.monotonic() - started_s)
    wait_for(monitor, "drift_score", "", "firing")
    assert alert.value >= 0.25
    assert "trees@1" in alert.detail
    found = {subject: psi for _, _, subject, sample, psi in rows(monitor) if sample == 500}
    assert found["missing"] == 0
    assert (found["calm"] or 0) < 0.1


def test_killed_before_a_window_is_kept_it_is_read_again_and_gives_the_same(monitor: MonitorProcess) -> None:
    release(monitor)
    monitor.start(crash_at="monitor.before_window")
    monitor.wait_reading()
    time.sleep((WINDOW_MS - time.time_ns() // 1_000_000 % WINDOW_MS) / 1_000)
    capture(monitor)
    assert monitor.wait_dead() == -signal.SIGKILL
    monitor.start()
    wait_until(lambda: len(rows(monitor)) == 4, "the window", monitor.log)
    assert {(model, sample) for _, model, _, sample, _ in rows(monitor)} == {("trees@1", 500)}
    chosen = np.array(lowest(range(PAYMENTS), 500))
    found = {subject: psi for _, _, subject, _, psi in rows(monitor)}
    assert found["moved"] == pytest.approx(drift_of(REFERENCE.features[1], chosen + 0.5).psi)
    places = [monitor.shown(f"{monitor.portfolio}.captures", partition) for partition in (0, 1)]
    assert places == [1, 1]


def test_a_model_without_a_reference_has_no_drift_and_says_so(monitor: MonitorProcess) -> None:
    release(monitor, with_reference=False)
    monitor.start()
    monitor.wait_reading()
    capture(monitor)
    wait_until(lambda: "no drift: trees@1 has no reference" in monitor.log(), "it says so", monitor.log)
    wait_until(lambda: '"window_closed"' in monitor.log(), "the window is closed", monitor.log)
    assert rows(monitor) == []
