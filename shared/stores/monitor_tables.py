"""The monitor's tables: what it counted, per minute, and how far it has read. It alone writes; others read.

A row counts records as they stand on their topic, by offset: a decision that was written twice counts twice,
as it does in the lake. So each number equals a query over the lake for its range. Minutes are Unix
milliseconds of their start, times are UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table

METADATA: Final = MetaData()


def _key(name: str, length: int = 64) -> Column[str]:
    return Column(name, String(length), primary_key=True)


def _minute() -> Column[int]:
    return Column("minute_ms", BigInteger, primary_key=True)


def _count(name: str = "count") -> Column[int]:
    return Column(name, BigInteger, nullable=False)


PROGRESS: Final = Table(
    "monitor_progress",
    METADATA,
    _key("topic", 200),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)
"""How far each partition is counted, kept in the transaction that counted it."""

DECISIONS: Final = Table(
    "monitor_decisions",
    METADATA,
    _minute(),
    _key("action", 16),
    _key("currency", 3),
    _key("caller"),
    _key("gateway"),
    _key("model", 160),
    Column("release_seq", BigInteger, primary_key=True, autoincrement=False),
    _key("state_quality", 16),
    _count(),
    Column("amount_minor", BigInteger, nullable=False),
)
"""Decisions by the minute of ``decided_at_ms``; ``amount_minor`` is the sum in ``currency``; model "" is
none, else ``name@version``; caller "other" are all who came when as many as the monitor names were known."""

REASONS: Final = Table("monitor_reasons", METADATA, _minute(), _key("action", 16), _key("reason"), _count())
"""Reason codes of decisions; a decision with two counts in both."""

SCORES: Final = Table(
    "monitor_scores",
    METADATA,
    _minute(),
    _key("lane"),
    _key("model", 160),
    Column("bin", Integer, primary_key=True, autoincrement=False),
    _count(),
)
"""Calibrated scores of predictions, by the minute they came, in 50 equal bins of [0, 1]."""

TIMES: Final = Table(
    "monitor_times",
    METADATA,
    _minute(),
    _key("stage", 16),
    Column("bin", Integer, primary_key=True, autoincrement=False),
    _count(),
    Column("total", BigInteger, nullable=False),
)
"""Times by stage: ``end_to_end`` (ms from the broker's append to the decision, of decisions) and those of
predictions by the minute they came (``queue`` in ms, ``state``, ``features``, ``predict``, ``decide`` in us
of their batch). ``bin`` is that of `shared.evaluation.time_bins`; ``total`` the sum in the stage's unit."""

LABELS: Final = Table(
    "monitor_labels",
    METADATA,
    _minute(),
    _key("verdict", 16),
    _key("source", 32),
    _key("fraud_type"),
    _count(),
    Column("loss_minor", BigInteger, nullable=False),
)
"""Labels by the minute of ``known_at_ms``."""

DEAD_LETTERS: Final = Table(
    "monitor_dead_letters",
    METADATA,
    _minute(),
    _key("topic", 200),
    _key("reason"),
    _key("service"),
    _count(),
)
"""Dead letters by the minute of ``at_ms``; ``topic`` is where the record stood."""

CALLERS: Final = Table(
    "monitor_callers",
    METADATA,
    _key("caller"),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("usual_per_minute", Float, nullable=False),
)
"""Who sends payments: first and last seen, and the payments of a usual minute, as a slow average."""

DRIFT: Final = Table(
    "monitor_drift",
    METADATA,
    Column("window_ms", BigInteger, primary_key=True),
    _key("model", 160),
    _key("subject", 160),
    Column("width_ms", BigInteger, nullable=False),
    Column("sample", BigInteger, nullable=False),
    Column("psi", Float, nullable=True),
    Column("ks", Float, nullable=True),
    Column("missing_ratio", Float, nullable=True),
    Column("reference_missing_ratio", Float, nullable=True),
)
"""Each feature, and the score as "score", against the model's training, per window that starts at
``window_ms``; None where the sample is below the floor."""

ALERTS: Final = Table(
    "monitor_alerts",
    METADATA,
    _key("rule"),
    _key("subject", 200),
    Column("state", String(8), nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("value", Float, nullable=False),
    Column("limit", Float, nullable=False),
    Column("detail", String(400), nullable=False),
)
"""The present state of each rule and subject that ever fired; the history is on the topic ``alerts``."""
