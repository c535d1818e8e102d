"""From messages to items: decoded, dated, flagged, or refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, repeat
from typing import Any, Final, NamedTuple

from shared.contracts.codec import ACTIVITIES, LABELS, TRANSACTIONS, Codec, Decoded, DecodeError, encode
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.outcome import Dead
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.turns import turn_ms
from shared.features.lateness import Limits, within

from .intake import Item, Message, Read, load_of, read_tick

_CODECS: Final[dict[int, Codec[Any]]] = {
    KIND_TRANSACTION: TRANSACTIONS,
    KIND_LABEL: LABELS,
    KIND_ACTIVITY: ACTIVITIES,
}

_PAYMENT_RANK: Final = 2


class Reading(NamedTuple):
    """What each of n messages of a partition holds, and the partition's mark after each of them.

    ``live``: the same values where every one is a record of no load, else None.
    """

    values: Sequence[Read]
    marks: Sequence[int]
    live: Sequence[Item] | None = None


def read_each(kind: int, messages: Sequence[Message], mark_ms: int, limits: Limits) -> Reading:
    """Reads ``messages`` of a partition in their order; its mark before them is ``mark_ms``."""
    raws = [message.value for message in messages if message.value]
    decoded = _CODECS[kind].decode_each(raws)
    if kind == KIND_TRANSACTION and decoded.is_plain and 0 < len(raws) == len(messages):
        plain = _read_plain(decoded.records, messages, raws, mark_ms, limits)
        if plain is not None:
            return plain
    return _read_mixed(kind, decoded, messages, mark_ms, limits)


def _read_plain(
    payments: Sequence[Any], messages: Sequence[Message], raws: Sequence[bytes], mark_ms: int, limits: Limits
) -> Reading | None:
    """What `_read_mixed` makes of payments that need no second look, column by column.

    None if one has another currency than the base, or other headers than the first, or may be late or ahead.
    """
    headers = messages[0].headers
    if [message.headers for message in messages].count(headers) < len(messages):
        return None
    if {tx.currency for tx in payments} != {limits.base_currency}:
        return None
    load, _ = load_of(messages[0])
    times = [tx.event_time_ms for tx in payments]
    before, *marks = accumulate(times, max, initial=mark_ms)
    if load is None:
        earliest = min([message.timestamp for message in messages])
        if max(times) > earliest + limits.ahead_ms or min(times) < marks[-1] - limits.horizon_ms:
            return None
    items = list(
        map(
            Item,
            repeat(KIND_TRANSACTION),
            payments,
            messages,
            raws,
            raws,
            [tx.tx_id for tx in payments],
            times,
            repeat(_PAYMENT_RANK),
            times,
            [tx.amount_minor for tx in payments],
            [before, *marks],
            repeat(()),
            repeat(_load_name(load)),
        )
    )
    return Reading(items, marks, items if load is None else None)


def _load_name(load: bytes | None) -> str | None:
    return None if load is None else load.decode("utf-8", "replace")


def _read_mixed(
    kind: int, decoded: Decoded[Any], messages: Sequence[Message], mark_ms: int, limits: Limits
) -> Reading:
    records, admit = iter(decoded.records), _payment if kind == KIND_TRANSACTION else _feeding
    values: list[Read] = []
    marks: list[int] = []
    for message in messages:
        load, tick = load_of(message)
        raw = message.value
        value: Read
        if not raw:
            value = Dead("not_json") if tick is None else read_tick(load, tick)
        elif isinstance(record := next(records), DecodeError):
            value = Dead(record.code, record.field)
        else:
            text = raw if decoded.is_plain else encode(record)
            value = admit(record, message, raw, text, mark_ms, limits, load)
            if isinstance(value, Item) and value.event_ms > mark_ms:
                mark_ms = value.event_ms
        values.append(value)
        marks.append(mark_ms)
    return Reading(values, marks)


def _payment(
    tx: Transaction,
    message: Message,
    raw: bytes,
    text: bytes,
    mark_ms: int,
    limits: Limits,
    load: bytes | None,
) -> Item:
    event_ms = tx.event_time_ms
    flags: tuple[str, ...] = ()
    if load is None:
        event_ms, flags = within(event_ms, mark_ms, message.timestamp, limits)
    return Item(
        KIND_TRANSACTION,
        tx,
        message,
        raw,
        text,
        tx.tx_id,
        event_ms,
        _PAYMENT_RANK,
        event_ms,
        tx.amount_minor,
        mark_ms,
        flags,
        _load_name(load),
        tx.currency != limits.base_currency,
    )


def _feeding(
    record: Activity | Label,
    message: Message,
    raw: bytes,
    text: bytes,
    mark_ms: int,
    limits: Limits,
    load: bytes | None,
) -> Item:
    if isinstance(record, Label):
        kind, own_id, rank, amount = KIND_LABEL, record.label_id, 0, 0
        merge_ms = record.known_at_ms if load is None else turn_ms(record)
    else:
        kind, own_id, rank, amount = KIND_ACTIVITY, record.activity_id, 1, record.amount_minor or 0
        merge_ms = record.event_time_ms
    event_ms, name = record.event_time_ms, _load_name(load)
    return Item(kind, record, message, raw, text, own_id, merge_ms, rank, event_ms, amount, mark_ms, (), name)
