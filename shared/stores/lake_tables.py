"""THE table of lake tables: one row per table, its columns derived from its topic's record."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
import pyarrow as pa
from msgspec import inspect

from shared.contracts import capture
from shared.contracts.decisions import Decision, Prediction
from shared.contracts.operations import AuditEntry, DeadLetter
from shared.contracts.payments import Activity, Label, Transaction

PARTITION_COLUMNS: Final = ("portfolio", "event_day")

UNSCOPED: Final = "all"
"""Portfolio under which rows of unscoped topics (audit) stand."""

COORDINATES: Final = pa.schema(
    [
        pa.field("portfolio", pa.string()),
        pa.field("event_day", pa.date32()),
        pa.field("topic", pa.string()),
        pa.field("partition", pa.int32()),
        pa.field("offset", pa.int64()),
        pa.field("ingest_time_ms", pa.int64()),
        pa.field("load_id", pa.string()),
        pa.field("refused_reason", pa.string()),
        pa.field("raw_bytes", pa.binary()),
        pa.field("key_hash", pa.int64()),
    ]
)
"""Columns that every table starts with.

``topic, partition, offset, ingest_time_ms`` say where and when the row's message stood on the log;
``load_id`` is its `headers.LOAD`; ``refused_reason`` the reason code of bytes that are no valid record
(the record's columns are null then); ``raw_bytes`` the original bytes; ``key_hash`` the `look_up_hash` that
files are sorted by; ``event_day`` the UTC day of the event, or of the ingest where there is none.
"""


class TableCard(msgspec.Struct, frozen=True, kw_only=True):
    """One lake table.

    ``topic`` feeds it; ``record`` is None for captures, whose messages hold many rows; ``event_time`` is
    the column whose day partitions; ``look_up`` the column a row is found by. ``keep_raw``: original
    bytes of every row, else only of refused ones. ``trusted``: our own scorer's canonical bytes, read
    column-wise; a message that does not fit is still checked by the codec.
    """

    name: str
    topic: str
    record: type[msgspec.Struct] | None
    event_time: str
    look_up: str
    keep_raw: bool = True
    trusted: bool = False

    @property
    def columns(self) -> pa.Schema:
        """All columns, partition columns included."""
        return columns(self.name)

    def column_of(self, field: str) -> str:
        """The column of a record's field; fields named like a coordinate get ``input_`` in front."""
        return f"input_{field}" if field in COORDINATES.names else field


TABLES: Final[tuple[TableCard, ...]] = (
    TableCard(
        name="transactions",
        topic="transactions",
        record=Transaction,
        event_time="event_time_ms",
        look_up="tx_id",
    ),
    TableCard(
        name="activities",
        topic="activities",
        record=Activity,
        event_time="event_time_ms",
        look_up="activity_id",
    ),
    TableCard(name="labels", topic="labels", record=Label, event_time="event_time_ms", look_up="tx_id"),
    TableCard(
        name="captures",
        topic="captures",
        record=None,
        event_time="event_time_ms",
        look_up="id",
        keep_raw=False,
    ),
    TableCard(
        name="decisions",
        topic="decisions",
        record=Decision,
        event_time="event_time_ms",
        look_up="decision_id",
        keep_raw=False,
        trusted=True,
    ),
    TableCard(
        name="predictions",
        topic="predictions",
        record=Prediction,
        event_time="event_time_ms",
        look_up="tx_id",
        keep_raw=False,
        trusted=True,
    ),
    TableCard(
        name="dead_letters",
        topic="dead-letters",
        record=DeadLetter,
        event_time="at_ms",
        look_up="body_hash",
        keep_raw=False,
    ),
    TableCard(name="audit", topic="audit", record=AuditEntry, event_time="at_ms", look_up="subject"),
)

_BY_NAME: Final = {card.name: card for card in TABLES}


def table_card(name: str) -> TableCard:
    """The card of table ``name``. Raises KeyError for a name outside the table."""
    return _BY_NAME[name]


@cache
def columns(name: str) -> pa.Schema:
    """All columns of table ``name``. Raises KeyError."""
    card = _BY_NAME[name]
    own = _capture_columns() if card.record is None else _record_columns(card, card.record)
    return pa.schema([*COORDINATES, *own])


def _record_columns(card: TableCard, record: type[msgspec.Struct]) -> list[pa.Field]:
    info = inspect.type_info(record)
    assert isinstance(info, inspect.StructType)
    return [pa.field(card.column_of(f.name), _arrow_type(f.type)) for f in info.fields]


def _arrow_type(declared: inspect.Type) -> pa.DataType:
    """The column type of a field; dictionaries and nested records are kept as JSON text."""
    match declared:
        case inspect.UnionType(types=types):
            return _arrow_type(next(t for t in types if not isinstance(t, inspect.NoneType)))
        case inspect.IntType():
            return pa.int64()
        case inspect.BoolType():
            return pa.bool_()
        case inspect.FloatType():
            return pa.float64()
        case inspect.BytesType():
            return pa.binary()
        case inspect.ListType(item_type=item):
            return pa.list_(_arrow_type(item))
        case inspect.LiteralType(values=values) if values and isinstance(values[0], int):
            return pa.int64()
        case _:
            return pa.string()


def _capture_columns() -> list[pa.Field]:
    """`capture.schema` without its fixed shapes, and what the message's headers and place say of a row."""
    own = [
        pa.field(f"input_{f.name}" if f.name in COORDINATES.names else f.name, _open_type(f.type))
        for f in capture.schema(1, 1)
    ]
    return [
        pa.field("row", pa.int32()),
        pa.field("input_topic", pa.string()),
        pa.field("input_partition", pa.int32()),
        pa.field("features", pa.int32()),
        pa.field("entities", pa.int32()),
        pa.field("schema_hash", pa.string()),
        *own,
    ]


def _open_type(fixed: pa.DataType) -> pa.DataType:
    """The lake has no unsigned numbers and no fixed widths."""
    if pa.types.is_uint8(fixed):
        return pa.int16()
    if pa.types.is_fixed_size_binary(fixed):
        return pa.binary()
    if pa.types.is_fixed_size_list(fixed) or pa.types.is_list(fixed):
        return pa.list_(fixed.value_type)
    return fixed
