"""THE table of metrics that every service shows under ``/metrics``, read from its last word about itself.

A service's word is the status it sends once a second; what is shown is what was said, at no further cost.
Labels are few and bounded: no id of a payment, a customer or a caller is ever one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
REFUSED_AT_MOST: Final = 100
"""Reason codes are a table; more kinds than it has cannot be."""


class Partition(Protocol):
    """How far a partition is; offsets, -1 where nothing is known."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def committed(self) -> int: ...
    @property
    def end(self) -> int: ...


class Word(Protocol):
    """What a service says about itself: the fields of its `Status` that are shown."""

    @property
    def service(self) -> str: ...
    @property
    def instance(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def portfolio(self) -> str: ...
    @property
    def release_seq(self) -> int: ...
    @property
    def rss_bytes(self) -> int: ...
    @property
    def partitions(self) -> Sequence[Partition]: ...
    @property
    def handled(self) -> int: ...
    @property
    def refused(self) -> Mapping[str, int]: ...
    @property
    def actions(self) -> Mapping[str, int]: ...
    @property
    def latency_ms(self) -> Mapping[str, float]: ...
    @property
    def numbers(self) -> Mapping[str, float]: ...


Sample = tuple[Sequence[str], float]
"""Values of the labels, and the value."""


class MetricRow(NamedTuple):
    """A metric: what it is called, counts and means, and how it is read from a word."""

    name: str
    kind: Literal["gauge", "counter"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    read: Callable[[Word], Iterable[Sample]]


def _by_name(values: Mapping[str, float]) -> Iterator[Sample]:
    return (((name,), float(value)) for name, value in sorted(values.items())[:REFUSED_AT_MOST])


def _lag(word: Word) -> Iterator[Sample]:
    for p in word.partitions:
        if p.end >= 0:
            yield (p.topic, str(p.partition)), float(max(p.end - max(p.committed, 0), 0))


METRICS: Final = (
    MetricRow(
        "assay_service",
        "gauge",
        "1",
        ("service", "instance", "portfolio", "state"),
        "Always 1; the labels say who this is and how it is: starting, ready, degraded, waiting or stopping.",
        lambda w: [((w.service, w.instance, w.portfolio, w.state), 1.0)],
    ),
    MetricRow(
        "assay_said_seconds",
        "gauge",
        "s",
        (),
        "When the service last said all this, Unix time. It stands still when the service does.",
        lambda w: [((), w.at_ms / 1000)],
    ),
    MetricRow(
        "assay_handled",
        "counter",
        "records",
        (),
        "Records handled since the start, refused ones included where the service counts them so.",
        lambda w: [((), float(w.handled))],
    ),
    MetricRow(
        "assay_refused",
        "counter",
        "records",
        ("reason",),
        "Records or requests refused since the start, by code of the table of reasons.",
        lambda w: _by_name(w.refused),
    ),
    MetricRow(
        "assay_decided",
        "counter",
        "decisions",
        ("action",),
        "Decisions made or answered since the start, by action.",
        lambda w: _by_name(w.actions),
    ),
    MetricRow(
        "assay_lag_records",
        "gauge",
        "records",
        ("topic", "partition"),
        "Records of an assigned partition that are not handled; absent while its end is not known.",
        _lag,
    ),
    MetricRow(
        "assay_release_seq",
        "gauge",
        "1",
        (),
        "Number of the release that decides here; absent where none does.",
        lambda w: [((), float(w.release_seq))] if w.release_seq else [],
    ),
    MetricRow(
        "assay_rss_bytes",
        "gauge",
        "bytes",
        (),
        "Resident memory.",
        lambda w: [((), float(w.rss_bytes))] if w.rss_bytes else [],
    ),
    MetricRow(
        "assay_latency_ms",
        "gauge",
        "ms",
        ("rank",),
        "Time of the last second's work by rank, such as p50 and p99, as the service measures it.",
        lambda w: _by_name(w.latency_ms),
    ),
    MetricRow(
        "assay_number",
        "gauge",
        "as named",
        ("name",),
        "Further numbers that a service has about itself, by the name it has in its status.",
        lambda w: _by_name(w.numbers),
    ),
)


class _Words(Collector):
    """Reads the table from the last word at each scrape; nothing before the first."""

    def __init__(self, word: Callable[[], Word | None]) -> None:
        self._word = word

    def collect(self) -> Iterable[Metric]:
        word = self._word()
        if word is None:
            return
        for row in METRICS:
            kind = CounterMetricFamily if row.kind == "counter" else GaugeMetricFamily
            family = kind(row.name, row.meaning, labels=row.labels)
            for labels, value in row.read(word):
                family.add_metric(labels, value)
            yield family


def registry_of(word: Callable[[], Word | None]) -> CollectorRegistry:
    """The one registry of a process, over its last word."""
    registry = CollectorRegistry()
    registry.register(_Words(word))
    return registry


def text_of(registry: CollectorRegistry) -> bytes:
    """What a scrape is answered, in Prometheus' text format."""
    found: bytes = generate_latest(registry)
    return found
