"""Records as the monitor counts them, and a slow count of them: the whole record, one at a time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Table

from shared.contracts.decisions import Decision, Prediction
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Label
from shared.evaluation.time_bins import LAST, edge
from shared.stores import monitor_tables
from shared.stores.database import Database
from tests.support.lake_messages import T0_MS, FakeMessage, decision, label, prediction

MINUTE_MS = 60_000
Slow = dict[str, Counter[tuple[str | int, ...]]]


def some_decisions(number: int, seed: int = 0, start_ms: int = T0_MS) -> list[Decision]:
    """Decisions of five minutes, of all kinds."""
    chance = random.Random(seed)
    return [
        replace(
            decision(i),
            action=chance.choice(["approve", "challenge", "review", "decline"]),
            currency=chance.choice(["EUR", "USD"]),
            amount_minor=chance.randrange(100_000),
            caller=chance.choice(["checkout", "pos", "mobile"]),
            gateway=chance.choice(["direct", "gateway-1"]),
            reasons=chance.sample(["score_low", "late", "degraded_amount"], chance.randint(0, 3)),
            model=chance.choice([None, "trees@1", "trees@2"]),
            release_seq=chance.choice([2, 3]),
            ingest_time_ms=(ingest := chance.choice([0, start_ms + chance.randrange(300_000)])),
            decided_at_ms=(ingest or start_ms) + chance.randrange(-20, 2_000),
        )
        for i in range(number)
    ]


def some_predictions(number: int, seed: int = 0) -> list[Prediction]:
    """Predictions of two lanes."""
    chance = random.Random(seed)
    return [
        replace(
            prediction(i),
            lane=chance.choice(["champion", "shadow:1"]),
            model_version=chance.choice(["1", "2"]),
            score=chance.choice([0.0, 1.0, 0.02, chance.random()]),
            queue_ms=chance.randrange(-5, 300),
            state_us=chance.randrange(0, 9_000),
            predict_us=chance.randrange(0, 900),
        )
        for i in range(number)
    ]


def some_labels(number: int, seed: int = 0, start_ms: int = T0_MS) -> list[Label]:
    """Labels with and without a type and a loss."""
    chance = random.Random(seed)
    return [
        replace(
            label(i, chance.choice(["fraud", "genuine", "reversed"]), start_ms + chance.randrange(300_000)),
            source=chance.choice(["analyst", "chargeback"]),
            fraud_type=chance.choice([None, "account_takeover"]),
            loss_minor=chance.choice([None, chance.randrange(9_999)]),
        )
        for i in range(number)
    ]


def dead_letter(number: int, reason: str = "not_json", at_ms: int = T0_MS) -> DeadLetter:
    """A dead letter of the scorer."""
    return DeadLetter(
        v=1,
        reason=reason,
        field="",
        topic="bank.transactions",
        partition=0,
        offset=number,
        attempt=1,
        service="scorer",
        at_ms=at_ms,
        body_hash="",
        body_bytes=3,
        body=b"abc",
    )


def slow_count(records: Iterable[tuple[Struct, int]]) -> Slow:
    """What the tables must hold of ``records``, each with the time the broker appended it.

    Values that are sums stand under the key with the column's name behind it.
    """
    found: Slow = {
        name: Counter() for name in ("decisions", "reasons", "scores", "times", "labels", "dead_letters")
    }
    for record, came_ms in records:
        if isinstance(record, Decision):
            _count_decision(found, record)
        elif isinstance(record, Prediction):
            _count_prediction(found, record, came_ms)
        elif isinstance(record, Label):
            key = (minute(record.known_at_ms), record.verdict, record.source, record.fraud_type or "")
            found["labels"][(*key, "count")] += 1
            found["labels"][(*key, "loss_minor")] += record.loss_minor or 0
        elif isinstance(record, DeadLetter):
            where = (minute(record.at_ms), record.topic, record.reason, record.service)
            found["dead_letters"][(*where, "count")] += 1
    return found


def _count_decision(found: Slow, r: Decision) -> None:
    at = minute(r.decided_at_ms)
    who = (r.action, r.currency, r.caller, r.gateway, r.model or "", r.release_seq, r.state_quality)
    found["decisions"][(at, *who, "count")] += 1
    found["decisions"][(at, *who, "amount_minor")] += r.amount_minor
    for reason in r.reasons:
        found["reasons"][(at, r.action, reason, "count")] += 1
    if r.ingest_time_ms:
        _count_time(found, at, "end_to_end", r.decided_at_ms - r.ingest_time_ms)


def _count_prediction(found: Slow, r: Prediction, came_ms: int) -> None:
    at = minute(came_ms)
    score_bin = min(int(r.score * 50), 49)
    found["scores"][(at, r.lane, f"{r.model}@{r.model_version}", score_bin, "count")] += 1
    for stage, took in (
        ("queue", r.queue_ms),
        ("state", r.state_us),
        ("features", r.features_us),
        ("predict", r.predict_us),
        ("decide", r.decide_us),
    ):
        _count_time(found, at, stage, took)


def _count_time(found: Slow, at: int, stage: str, took: int) -> None:
    number = max(b for b in range(LAST + 1) if edge(b) <= took)
    found["times"][(at, stage, number, "count")] += 1
    found["times"][(at, stage, number, "total")] += took


def minute(at_ms: int) -> int:
    """The start of its minute."""
    return at_ms // MINUTE_MS * MINUTE_MS


def messages_of(
    topic: str, records: Iterable[bytes], start: int = 0, at_ms: int = T0_MS
) -> list[FakeMessage]:
    """``records`` on partition 0, a second apart."""
    return [
        FakeMessage(topic, 0, start + i, raw, timestamp=at_ms + i * 1_000) for i, raw in enumerate(records)
    ]


def stored(database: Database) -> Slow:
    """What the tables hold, as `slow_count` gives it."""
    found = slow_count([])
    with database.reading() as sql:
        for name, counter in found.items():
            table: Table = getattr(monitor_tables, name.upper())
            keys = [column.name for column in table.primary_key]
            for row in sql.execute(table.select()).mappings():
                for column in table.columns:
                    if not column.primary_key:
                        counter[(*(row[key] for key in keys), column.name)] += row[column.name]
    return found
