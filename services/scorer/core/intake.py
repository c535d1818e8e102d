"""From a message to an item: decoded, dated, flagged, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct

from shared.contracts import headers
from shared.contracts.codec import DecodeError, decode_activity, decode_label, decode_transaction
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.money import convert_minor
from shared.contracts.outcome import Dead, Forward, Outcome
from shared.contracts.payments import Activity, Label, Transaction

InputRecord = Transaction | Activity | Label

TICK_END_MS: Final = 2**62
"""Event time of a load's last tick: nothing of the load can be later."""


class Message(Protocol):
    """What the core reads of a message; ``timestamp`` is the broker's append time in ms."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def key(self) -> bytes | None: ...


class Item(Struct, gc=False):
    """One accepted record on its way.

    ``merge_ms`` orders it among other partitions' records (a label by when it was known), ``rank``
    breaks ties (labels first); ``event_ms`` is its event time after clamping; ``mark_ms`` is the
    partition's running maximum of event time before it. a record of a ``load`` waits for its barrier.
    """

    kind: int
    record: InputRecord
    message: Message
    raw: bytes
    own_id: str
    merge_ms: int
    rank: int
    event_ms: int
    amount_base_minor: int
    mark_ms: int
    flags: tuple[str, ...]
    load: str | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A load says: on this partition everything before ``reached_ms`` has been sent."""

    load: str
    reached_ms: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a payment's time may stand from the partition's mark, and the rates to base currency."""

    ahead_ms: int
    horizon_ms: int
    base_currency: str
    rates_ppm: Mapping[str, int]


def load_of(message: Message) -> tuple[bytes | None, bytes | None]:
    """The load id and the tick that the message's headers carry."""
    load = tick = None
    for name, value in message.headers:
        if name == headers.LOAD:
            load = value
        elif name == headers.TICK:
            tick = value
    return load, tick


def read_tick(load: bytes | None, tick: bytes) -> Tick:
    """The tick in a header. A malformed one stands for no progress."""
    name = (load or b"").decode("utf-8", "replace")
    if tick == headers.TICK_END:
        return Tick(name, TICK_END_MS)
    return Tick(name, int(tick) if tick.isdigit() and len(tick) < 16 else 0)


_DECODERS: Final[dict[int, Callable[[bytes], InputRecord]]] = {
    KIND_TRANSACTION: decode_transaction,
    KIND_LABEL: decode_label,
    KIND_ACTIVITY: decode_activity,
}


def read(kind: int, message: Message, mark_ms: int, limits: Limits) -> Outcome[Item | Tick]:
    """The item in ``message``; its partition's mark so far is ``mark_ms``."""
    raw = message.value
    load = tick = None
    if message.headers:
        load, tick = load_of(message)
    if not raw:
        return Forward(read_tick(load, tick)) if tick is not None else Dead("not_json")
    try:
        record = _DECODERS[kind](raw)
    except DecodeError as error:
        return Dead(error.code, error.field)
    load_id = None if load is None else load.decode("utf-8", "replace")
    if kind == KIND_TRANSACTION:
        return _payment(record, message, raw, mark_ms, limits, load_id)  # type: ignore[arg-type]  # by the table above
    return Forward(_feeding(kind, record, message, raw, mark_ms, load_id))


def _payment(
    tx: Transaction, message: Message, raw: bytes, mark_ms: int, limits: Limits, load: str | None
) -> Outcome[Item | Tick]:
    amount = tx.amount_minor
    if tx.currency != limits.base_currency:
        rate = limits.rates_ppm.get(tx.currency)
        if rate is None:
            return Dead("no_rate", "currency")
        amount = convert_minor(amount, rate)
    event_ms = tx.event_time_ms
    flags: tuple[str, ...] = ()
    if load is None:
        event_ms, flags = _within(event_ms, mark_ms, message.timestamp, limits)
    return Forward(
        Item(
            KIND_TRANSACTION,
            tx,
            message,
            raw,
            tx.tx_id,
            event_ms,
            2,
            event_ms,
            amount,
            mark_ms,
            flags,
            load,
        )
    )


def _within(event_ms: int, mark_ms: int, ingest_ms: int, limits: Limits) -> tuple[int, tuple[str, ...]]:
    """Event time clamped to the furthest allowed, and the flag that says so (scoring.md, Deciding)."""
    furthest = max(mark_ms, ingest_ms) + limits.ahead_ms
    if event_ms > furthest:
        return furthest, ("ahead",)
    if event_ms < mark_ms - limits.horizon_ms:
        return event_ms, ("late",)
    return event_ms, ()


def _feeding(
    kind: int, record: InputRecord, message: Message, raw: bytes, mark_ms: int, load: str | None
) -> Item:
    if isinstance(record, Label):
        return Item(
            kind,
            record,
            message,
            raw,
            record.label_id,
            record.known_at_ms,
            0,
            record.event_time_ms,
            0,
            mark_ms,
            (),
            load,
        )
    assert isinstance(record, Activity)
    amount = record.amount_minor or 0
    return Item(
        kind,
        record,
        message,
        raw,
        record.activity_id,
        record.event_time_ms,
        1,
        record.event_time_ms,
        amount,
        mark_ms,
        (),
        load,
    )
