"""From a message to an item: decoded, dated, flagged, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from msgspec import Struct

from shared.contracts import headers
from shared.contracts.codec import ACTIVITIES, LABELS, TRANSACTIONS, Codec, DecodeError, encode
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.money import convert_minor
from shared.contracts.outcome import Dead
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
    partition's running maximum of event time before it. A record of a ``load`` waits for its barrier.
    ``raw`` are its original bytes, ``text`` the codec's.
    """

    kind: int
    record: InputRecord
    message: Message
    raw: bytes
    text: bytes
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


_CODECS: Final[dict[int, Codec[Any]]] = {
    KIND_TRANSACTION: TRANSACTIONS,
    KIND_LABEL: LABELS,
    KIND_ACTIVITY: ACTIVITIES,
}

Read = Item | Tick | Dead
"""What a message holds: a record on its way, a load's progress, or something to refuse."""


def read_each(kind: int, messages: Sequence[Message], mark_ms: int, limits: Limits) -> list[Read]:
    """What each of a partition's ``messages`` holds, in their order; its mark before them is ``mark_ms``."""
    decoded = _CODECS[kind].decode_each([message.value for message in messages if message.value])
    records, admit = iter(decoded.records), _payment if kind == KIND_TRANSACTION else _feeding
    found: list[Read] = []
    for message in messages:
        load = tick = None
        if message.headers:
            load, tick = load_of(message)
        raw = message.value
        if not raw:
            found.append(Dead("not_json") if tick is None else read_tick(load, tick))
            continue
        record = next(records)
        if isinstance(record, DecodeError):
            found.append(Dead(record.code, record.field))
            continue
        text = raw if decoded.is_plain else encode(record)
        item = admit(record, message, raw, text, mark_ms, limits, load)
        if isinstance(item, Item) and item.event_ms > mark_ms:
            mark_ms = item.event_ms
        found.append(item)
    return found


def _payment(
    tx: Transaction,
    message: Message,
    raw: bytes,
    text: bytes,
    mark_ms: int,
    limits: Limits,
    load: bytes | None,
) -> Item | Dead:
    amount, event_ms = tx.amount_minor, tx.event_time_ms
    flags: tuple[str, ...] = ()
    if tx.currency != limits.base_currency:
        rate = limits.rates_ppm.get(tx.currency)
        if rate is None:
            return Dead("no_rate", "currency")
        amount = convert_minor(amount, rate)
    name = None
    if load is None:
        event_ms, flags = _within(event_ms, mark_ms, message.timestamp, limits)
    else:
        name = load.decode("utf-8", "replace")
    return Item(
        KIND_TRANSACTION,
        tx,
        message,
        raw,
        text,
        tx.tx_id,
        event_ms,
        2,
        event_ms,
        amount,
        mark_ms,
        flags,
        name,
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
    record: Activity | Label,
    message: Message,
    raw: bytes,
    text: bytes,
    mark_ms: int,
    limits: Limits,
    load: bytes | None,
) -> Item:
    name = None if load is None else load.decode("utf-8", "replace")
    if isinstance(record, Label):
        kind, own_id, rank, amount = KIND_LABEL, record.label_id, 0, 0
        merge_ms = record.known_at_ms
    else:
        kind, own_id, rank, amount = KIND_ACTIVITY, record.activity_id, 1, record.amount_minor or 0
        merge_ms = record.event_time_ms
    event_ms = record.event_time_ms
    return Item(kind, record, message, raw, text, own_id, merge_ms, rank, event_ms, amount, mark_ms, (), name)
