"""A lake and the monitor's tables of many decisions, as a house would have them that has run for a while.

Records are real ones. Rows go through the archiver's own writer and its compaction, counts through the
monitor's own core and its tables; only Kafka is left out. Both stand under topics of their own (`SOURCE`), so
that an archiver and a monitor of the portfolio go on beside them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from services.archiver.core.gather import Gathered, Place
from services.archiver.core.shapes import Message
from services.archiver.edge.writer import LakeWriter
from services.monitor.core.counting import COUNTED, Counts
from services.monitor.edge.tables import MonitorTables
from shared.contracts import capture, headers
from shared.contracts.codec import encode
from shared.contracts.decisions import ACTIONS, Decision, Prediction
from shared.contracts.ids import input_hash, prediction_id
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Label, Transaction
from shared.stores.database import Database, sqlite_url
from shared.stores.lake import Lake
from shared.stores.lake_compact import Compactor
from shared.stores.lake_tables import TABLES, table_card
from shared.stores.monitor_tables import METADATA
from tests.support.console_house import decision, features
from tests.support.lake_messages import FakeMessage, prediction
from tests.support.monitor_records import dead_letter

SOURCE: Final = "filled"
SHARE: Final = 50_000
"""Rows that the archiver writes at once where it is behind."""
CAPTURED: Final = 256
LABEL_AFTER_MS: Final = 30_000
LETTER_EVERY: Final = 1_000
QUIET_MS: Final = 600_000


class Span(Struct, frozen=True):
    """``count`` decisions, evenly from ``from_ms`` up to, not including, ``to_ms``."""

    count: int
    from_ms: int
    to_ms: int

    def at_ms(self, number: int) -> int:
        """When decision ``number`` was made."""
        return self.from_ms + number * (self.to_ms - self.from_ms) // self.count


def tx_id(number: int) -> str:
    """The payment of decision ``number``."""
    return f"tx-{number:06d}"


def fill(data_dir: Path, span: Span, portfolio: str = "bank", share: int = SHARE) -> None:
    """Write everything that ``span`` asks for. Raises LakeAway, DatabaseAway."""
    lake = Lake(data_dir / "lake")
    tables = {f"{SOURCE}.{card.topic}": lake.open(card) for card in TABLES if card.name != "audit"}
    writer = LakeWriter(portfolio, tables)
    database = Database.open(sqlite_url(data_dir / "sql" / "monitor.db"), METADATA)
    counted = MonitorTables(database, lambda _: None)
    ends: dict[str, int] = {}
    for first in range(0, span.count, share):
        messages = share_of(span, range(first, min(first + share, span.count)), ends)
        _archive(writer, messages, span.to_ms)
        _count(counted, messages, span.to_ms)
    database.close()
    for name in ("transactions", "decisions", "predictions", "captures", "labels", "dead_letters"):
        compactor = Compactor(lake.handle(table_card(name)), table_card(name))
        while compactor.merge_once(span.to_ms + QUIET_MS):
            continue


def share_of(span: Span, numbers: range, ends: dict[str, int]) -> dict[str, list[FakeMessage]]:
    """Messages of the decisions ``numbers`` by the card of their topic; ``ends`` moves on by what is sent."""
    decisions = [decision(number, span.at_ms(number)) for number in numbers]
    labels = list(filter(None, map(_label, decisions)))
    letters = [
        dead_letter(number, ("not_json", "field_type")[number % 3 == 0], span.at_ms(number))
        for number in numbers
        if number % LETTER_EVERY == 0
    ]
    records: dict[str, Sequence[Decision | Transaction | Prediction | Label | DeadLetter]] = {
        "transactions": list(map(_payment, decisions)),
        "decisions": decisions,
        "predictions": list(map(_prediction, decisions)),
        "labels": labels,
        "dead-letters": letters,
    }
    timed = {name: [(encode(record), _came_ms(record)) for record in some] for name, some in records.items()}
    timed["captures"] = [(body, span.at_ms(numbers[-1])) for body in _captures(decisions)]
    return {name: list(_messages(name, some, ends)) for name, some in timed.items()}


def _messages(name: str, bodies: Sequence[tuple[bytes, int]], ends: dict[str, int]) -> Iterator[FakeMessage]:
    given: Sequence[tuple[str, bytes]] = ()
    if name == "captures":
        shape = (len(features().names), len(features().entities))
        given = (
            (headers.SHAPE, f"{shape[0]},{shape[1]}".encode()),
            (headers.SCHEMA, capture.schema_hash(*shape).encode()),
        )
    start = ends.get(name, 0)
    ends[name] = start + len(bodies)
    for offset, (body, at_ms) in enumerate(bodies, start):
        yield FakeMessage(f"{SOURCE}.{name}", 0, offset, body, at_ms, given)


def _came_ms(record: Decision | Transaction | Prediction | Label | DeadLetter) -> int:
    """When the broker would have appended it."""
    if isinstance(record, Decision):
        return record.decided_at_ms + 1
    if isinstance(record, Label):
        return record.known_at_ms
    return record.at_ms if isinstance(record, DeadLetter) else record.event_time_ms + 40


def _payment(told: Decision) -> Transaction:
    return Transaction(
        v=1,
        tx_id=told.tx_id,
        account_id=told.account_id,
        event_time_ms=told.event_time_ms,
        amount_minor=told.amount_minor,
        currency=told.currency,
        card_id=f"card-{told.offset % 40_000}",
        device_id=f"device-{told.offset % 30_000}",
        merchant_id=f"merchant-{told.offset % 900}",
        channel="mobile",
        country="DE",
        caller=told.caller,
        gateway=told.gateway,
    )


def _prediction(told: Decision) -> Prediction:
    assert told.score is not None
    return replace(
        prediction(0),
        prediction_id=prediction_id(told.tx_id, "bank-lgbm", "2026.11.3", told.feature_set, "champion"),
        tx_id=told.tx_id,
        account_id=told.account_id,
        event_time_ms=told.event_time_ms,
        model="bank-lgbm",
        model_version="2026.11.3",
        score=told.score,
        caller=told.caller,
        queue_ms=told.decided_at_ms - told.ingest_time_ms,
        predict_us=200 + told.offset % 97,
    )


def _label(told: Decision) -> Label | None:
    """What is known of every payment that was not approved, half a minute later."""
    if told.action == "approve":
        return None
    is_fraud = told.offset % 3 == 0
    return Label(
        v=1,
        label_id=f"label-{told.tx_id}",
        tx_id=told.tx_id,
        account_id=told.account_id,
        event_time_ms=told.event_time_ms,
        known_at_ms=told.decided_at_ms + LABEL_AFTER_MS,
        verdict="fraud" if is_fraud else "genuine",
        source="chargeback" if is_fraud else "customer",
        loss_minor=told.amount_minor if is_fraud else None,
    )


def _captures(decisions: Sequence[Decision]) -> Iterator[bytes]:
    """Captures of the decisions, `CAPTURED` rows each; a tenth of every vector is missing."""
    wide, drawn = len(features().names), np.random.default_rng(decisions[0].offset)
    for start in range(0, len(decisions), CAPTURED):
        some = decisions[start : start + CAPTURED]
        matrix = drawn.exponential(20, (len(some), wide))
        matrix[drawn.random(matrix.shape) < 0.1] = np.nan
        yield capture.encode_capture(_batch(some, matrix.ravel()))


def _batch(some: Sequence[Decision], values: NDArray[np.float64]) -> pa.RecordBatch:
    n, wide, entities = len(some), len(features().names), len(features().entities)
    lanes = pa.list_(pa.float64())
    columns = [
        pa.array([capture.KIND_TRANSACTION] * n, pa.uint8()),
        pa.array([d.tx_id for d in some]),
        pa.array([d.offset for d in some], pa.int64()),
        pa.array([d.event_time_ms for d in some], pa.int64()),
        pa.array([d.ingest_time_ms for d in some], pa.int64()),
        pa.array([input_hash(d.tx_id.encode()) for d in some], pa.binary(16)),
        pa.array([d.epoch for d in some], pa.int64()),
        pa.array([d.entity_versions for d in some], pa.list_(pa.int64(), entities)),
        pa.array([[]] * n, pa.list_(pa.int64())),
        pa.FixedSizeListArray.from_arrays(pa.array(values), wide),
        pa.array([d.release_seq for d in some], pa.int64()),
        pa.array([[d.raw_score] for d in some], lanes),
        pa.array([[d.score] for d in some], lanes),
        pa.array([ACTIONS.index(d.action) for d in some], pa.uint8()),
        pa.array([0] * n, pa.uint8()),
        pa.array([d.amount_minor for d in some], pa.int64()),
        pa.array([d.event_time_ms for d in some], pa.int64()),
        pa.array([bytes.fromhex(d.core_hash) for d in some], pa.binary(16)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=capture.schema(wide, entities))


def _archive(writer: LakeWriter, messages: dict[str, list[FakeMessage]], at_ms: int) -> None:
    gathered: Gathered[Message] = Gathered()
    gathered.add({Place(f"{SOURCE}.{name}", 0): some for name, some in messages.items()}, at_ms)
    writer.write(gathered, at_ms)


def _count(tables: MonitorTables, messages: dict[str, list[FakeMessage]], at_ms: int) -> None:
    counts = Counts()
    for name in COUNTED:
        if messages[name]:
            end = messages[name][-1].offset + 1
            counts.add(Place(f"{SOURCE}.{name}", 0), name, messages[name], end, at_ms)
    tables.write(counts)


def some_numbers(count: int, of: int, seed: int) -> list[int]:
    """``count`` different numbers of decisions below ``of``."""
    return random.Random(seed).sample(range(of), count)
