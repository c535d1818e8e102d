"""``/metrics`` shows exactly the table, and says what the last word said."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.health import Health, health_thread
from shared.runtime.metrics import CONTENT_TYPE, METRICS, registry_of, text_of

WORD = Status(
    v=1,
    service="scorer",
    instance="1",
    at_ms=1_700_000_000_500,
    state="ready",
    portfolio="bank",
    release_seq=3,
    rss_bytes=1_000,
    partitions=[
        PartitionStatus(topic="bank.transactions", partition=0, committed=5, end=12),
        PartitionStatus(topic="bank.transactions", partition=1, committed=-1, end=-1),
    ],
    handled=10,
    refused={"not_json": 2, 'odd"\n': 1},
    actions={"approve": 7},
    latency_ms={"p99": 4.5},
    numbers={"waiting": 1.0},
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def shown(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def test_what_is_shown_is_the_table_and_nothing_else() -> None:
    text = text_of(registry_of(lambda: WORD)).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families.keys() == {row.name for row in METRICS}
    for row in METRICS:
        family = families[row.name]
        assert (family.type, family.documentation) == (row.kind, row.meaning)
        assert all(set(sample.labels) == set(row.labels) for sample in family.samples)


def test_every_value_is_that_of_the_word() -> None:
    found = shown(text_of(registry_of(lambda: WORD)))
    place = (("partition", "0"), ("topic", "bank.transactions"))
    assert found["assay_lag_records", place] == 7
    assert len([name for name, _ in found if name == "assay_lag_records"]) == 1
    assert found["assay_handled_total", ()] == 10
    assert found["assay_refused_total", (("reason", "not_json"),)] == 2
    assert found["assay_refused_total", (("reason", 'odd"\n'),)] == 1
    assert found["assay_decided_total", (("action", "approve"),)] == 7
    assert found["assay_latency_ms", (("rank", "p99"),)] == 4.5
    assert found["assay_said_seconds", ()] == 1_700_000_000.5


def test_what_is_not_known_is_absent_and_not_zero() -> None:
    found = shown(text_of(registry_of(lambda: replace(WORD, release_seq=0, rss_bytes=0, partitions=[]))))
    names = {name for name, _ in found}
    assert not names & {"assay_release_seq", "assay_rss_bytes", "assay_lag_records"}
    assert text_of(registry_of(lambda: None)) == b""


def test_the_number_of_series_is_bounded() -> None:
    many = {f"reason_{i:04d}": 1 for i in range(500)}
    found = shown(text_of(registry_of(lambda: replace(WORD, refused=many))))
    assert len([name for name, _ in found if name == "assay_refused_total"]) == 100


def test_the_health_port_answers_prometheus() -> None:
    health = Health(5)
    with health_thread(health, port=0) as server:
        health.tell(WORD)
        with urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert shown(answer.read())["assay_handled_total", ()] == 10
        health.tell(replace(WORD, handled=11))
        with urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            assert shown(answer.read())["assay_handled_total", ()] == 11


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_a_row_says_what_it_is(row: object) -> None:
    assert row.name.startswith("assay_")  # type: ignore[attr-defined]
    assert row.meaning.endswith(".")  # type: ignore[attr-defined]
