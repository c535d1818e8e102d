"""Items and messages for the scorer's unit tests."""

from __future__ import annotations

from services.scorer.core.intake import Item
from shared.bus.ports import Taken
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_LABEL, KIND_TRANSACTION
from shared.contracts.payments import Label, Transaction
from shared.features.lateness import Limits

T0 = 1_700_000_000_000
HOUR = 3_600_000
LIMITS = Limits(ahead_ms=HOUR, horizon_ms=7 * 24 * HOUR, base_currency="EUR")


def payment(tx_id: str = "tx-1", event_ms: int = T0, **fields: object) -> Transaction:
    """A payment of account a-1 at terminal t-1."""
    values: dict[str, object] = {
        "v": 1,
        "tx_id": tx_id,
        "account_id": "a-1",
        "event_time_ms": event_ms,
        "amount_minor": 1234,
        "currency": "EUR",
        "terminal_id": "t-1",
        **fields,
    }
    return Transaction(**values)  # type: ignore[arg-type]  # a table of fields by name


def label(tx_id: str = "tx-1", known_ms: int = T0 + HOUR) -> Label:
    """A fraud label of `payment`."""
    return Label(
        v=1,
        label_id=f"l-{tx_id}",
        tx_id=tx_id,
        account_id="a-1",
        event_time_ms=T0,
        known_at_ms=known_ms,
        verdict="fraud",
        source="test",
        terminal_id="t-1",
    )


def message(
    record: Transaction | Label | bytes | None,
    *,
    partition: int = 0,
    offset: int = 0,
    timestamp: int = T0,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> Taken:
    """A message as the broker would give it."""
    topic = "p.labels" if isinstance(record, Label) else "p.transactions"
    value = record if isinstance(record, bytes) or record is None else encode(record)
    return Taken(topic, partition, offset, timestamp, b"a-1", value, headers)


def item(
    merge_ms: int, *, partition: int = 0, offset: int = 0, load: str | None = None, is_label: bool = False
) -> Item:
    """An accepted record that merges at ``merge_ms``."""
    record: Transaction | Label
    record = label(known_ms=merge_ms) if is_label else payment(event_ms=merge_ms)
    taken = message(record, partition=partition, offset=offset)
    kind, rank = (KIND_LABEL, 0) if is_label else (KIND_TRANSACTION, 2)
    raw = taken.value or b""
    return Item(kind, record, taken, raw, raw, "x", merge_ms, rank, merge_ms, 0, 0, (), load)
