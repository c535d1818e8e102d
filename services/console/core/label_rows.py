"""Labels from a file: rows of CSV to what they say, each refused by itself with its line, code and field."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from shared.contracts.bounds import AmountMinor, Id, ShortText, TimeMs
from shared.contracts.codec import Codec, DecodeError
from shared.contracts.decisions import Decision
from shared.contracts.payments import ENTITY_FIELDS, Label, Transaction

from .refusal import Refused
from .views import RowRefusal

ROWS_MOST: Final = 5_000
LABEL_ID_BYTES: Final = 12
SOURCE: Final = "upload"
NUMBERS: Final = frozenset({"known_at_ms", "loss_minor", "recovered_minor"})


class LabelRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row. A cell that is empty says nothing; without ``known_at_ms`` it is known from now on."""

    tx_id: Id
    verdict: Literal["fraud", "genuine", "reversed"]
    source: ShortText = SOURCE
    known_at_ms: TimeMs | None = None
    fraud_type: ShortText | None = None
    loss_minor: AmountMinor | None = None
    recovered_minor: AmountMinor | None = None


COLUMNS: Final = LabelRow.__struct_fields__
_ROWS: Final = Codec(LabelRow, from_outside=True)


class ReadRow(NamedTuple):
    """A good row, and the line of the file that it ends on."""

    line: int
    row: LabelRow


def read_rows(raw: bytes) -> tuple[list[ReadRow], list[RowRefusal]]:
    """Good and refused rows of a file whose first line names its columns, apart by comma or semicolon.

    Raises Refused where the file as a whole cannot be read.
    """
    lines = _lines(raw)
    header = next(lines, (0, []))[1]
    _check(header)
    good: list[ReadRow] = []
    refused: list[RowRefusal] = []
    seen: set[str] = set()
    for count, (line, cells) in enumerate(lines):
        if count == ROWS_MOST:
            raise Refused("too_many_items")
        try:
            row = _row(header, cells)
            if label_id(row) in seen:
                raise DecodeError("row_repeated")
        except DecodeError as error:
            refused.append(RowRefusal(line=line, code=error.code, field=error.field))
        else:
            seen.add(label_id(row))
            good.append(ReadRow(line, row))
    return good, refused


def label_id(row: LabelRow) -> str:
    """Equal rows have one id, so that a file that comes again counts once."""
    said = "\x1f".join((row.tx_id, row.verdict, row.source, str(row.known_at_ms or "")))
    return f"file-{blake2b(said.encode(), digest_size=LABEL_ID_BYTES).hexdigest()}"


def label(row: LabelRow, payment: Transaction | Decision, now_ms: int) -> Label:
    """The label of a row on its ``payment``; a decision alone tells no entity but the account."""
    named: dict[str, Any] = {name: getattr(payment, name, None) for name in ENTITY_FIELDS}
    return Label(
        v=1,
        label_id=label_id(row),
        tx_id=row.tx_id,
        event_time_ms=payment.event_time_ms,
        known_at_ms=now_ms if row.known_at_ms is None else row.known_at_ms,
        verdict=row.verdict,
        source=row.source,
        amount_minor=payment.amount_minor,
        fraud_type=row.fraud_type,
        loss_minor=row.loss_minor,
        recovered_minor=row.recovered_minor,
        **named,
    )


def _lines(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank. Raises Refused."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("not_utf8") from error
    head = text.partition("\n")[0]
    apart = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=apart, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise Refused("not_csv") from error


def _check(header: Sequence[str]) -> None:
    """Raises Refused. A name that is no column of ours may hold anything, so it is not repeated."""
    if not header:
        raise Refused("empty_body")
    if len(set(header)) < len(header):
        raise Refused("duplicate_key")
    if not set(header) <= set(COLUMNS):
        raise Refused("field_unknown")
    for name in ("tx_id", "verdict"):
        if name not in header:
            raise Refused("field_missing", name)


def _row(header: Sequence[str], cells: Sequence[str]) -> LabelRow:
    """Raises DecodeError."""
    if len(cells) != len(header):
        raise DecodeError("row_width")
    given = {name: _value(name, cell) for name, cell in zip(header, cells, strict=True) if cell}
    return _ROWS.decode(msgspec.json.encode(given))


def _value(name: str, cell: str) -> str | int:
    """A number where one is meant and written; what is no number is refused as a text in its place."""
    is_number = name in NUMBERS and cell.isascii() and cell.removeprefix("-").isdigit() and len(cell) < 20
    return int(cell) if is_number else cell
