"""Bytes to records and back, at one place, with one error: `DecodeError(code, field)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from . import card_rules
from .bounds import MESSAGE_LIMIT_BYTES, NESTING_LIMIT, RECORD_LIMIT_BYTES, is_clean_text
from .json_text import has_single_keys, parse
from .money import is_known
from .payments import ENTITY_FIELDS, Activity, Label, Transaction
from .refusals import DecodeError as DecodeError

T = TypeVar("T", bound=msgspec.Struct)

_ENCODER: Final = msgspec.json.Encoder()
_encode_lines: Final[Callable[[Any], bytes]] = _ENCODER.encode_lines
encode: Final[Callable[[Any], bytes]] = _ENCODER.encode
"""A record's canonical bytes: compact JSON, fields in declared order, defaults left out where declared."""

_FIELD: Final = re.compile(r"`\$\.?([A-Za-z0-9_.\[\]]*)`$")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_ID_FIELDS: Final = (*card_rules.OWN_ID_FIELDS, *ENTITY_FIELDS)
_INPUTS: Final = (Transaction, Activity, Label)


class Decoded(NamedTuple, Generic[T]):
    """A record or an error for each of many; ``is_plain``: all records, and all written as `encode` does."""

    records: Sequence[T | DecodeError]
    is_plain: bool


class Codec(Generic[T]):
    """Decodes one record type strictly: bounds, characters, currency and duplicate keys are checked.

    What others send us holds no card number and no field that is called like a part of a card (`card_rules`).
    What others send us may have `RECORD_LIMIT_BYTES`; what we write ourselves may fill a message, since a
    dead letter carries a whole refused record in base64.
    """

    def __init__(self, record: type[T], *, from_outside: bool = False) -> None:
        """``from_outside``: others send us such bytes, so they are bounded and hold nothing of a card."""
        decoder = msgspec.json.Decoder(record)
        self._decode: Callable[[bytes], T] = decoder.decode
        self._decode_lines: Callable[[bytes], list[T]] = decoder.decode_lines
        self._is_input = from_outside or record in _INPUTS
        self._is_closed = bool(record.__struct_config__.forbid_unknown_fields)
        self._maps = [name for name in ("texts", "numbers") if name in record.__struct_fields__]
        self._limit_bytes = RECORD_LIMIT_BYTES if self._is_input else MESSAGE_LIMIT_BYTES
        self._fields = frozenset(record.__struct_fields__)
        self._has_currency = "currency" in record.__struct_fields__
        self._ids = tuple(f for f in _ID_FIELDS if f in record.__struct_fields__)

    def decode(self, raw: bytes) -> T:
        """The record in ``raw``. Raises DecodeError."""
        if len(raw) > self._limit_bytes:
            raise DecodeError("oversize")
        try:
            record = self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _explain(raw, error) from None
        if self._has_currency and not is_known(record.currency):  # type: ignore[attr-defined]
            raise DecodeError("currency_unknown", "currency")
        # Canonical bytes cannot hide a key that stands twice or an escaped control character,
        # so our own producers' records skip the two slow looks.
        if b"\\" in raw or b"\x7f" in raw or not raw.isascii():
            self._check_ids(record)
        written = encode(record)
        # Where every field is known, the record itself holds all that the bytes do.
        if written != raw and not (self._is_closed and has_single_keys(raw)):
            self._check_foreign(raw)
        elif self._is_input and self._may_hold_card([record], written):
            refuse(raw)
        return record

    def decode_each(self, raws: Sequence[bytes]) -> Decoded[T]:
        """What `decode` gives or raises for each of ``raws``; cheaper where all are plain."""
        plain = self._decode_plain(raws)
        if plain is not None:
            return Decoded(plain, True)
        return Decoded([self._decode_or_error(raw) for raw in raws], False)

    def _decode_or_error(self, raw: bytes) -> T | DecodeError:
        try:
            return self.decode(raw)
        except DecodeError as error:
            return error

    def _decode_plain(self, raws: Sequence[bytes]) -> list[T] | None:
        """The records if every one is valid, canonical and plain ASCII, so that one look serves all."""
        joined = b"\n".join(raws) + b"\n"
        if b"\\" in joined or b"\x7f" in joined or not joined.isascii():
            return None
        if len(max(raws, key=len, default=b"")) > self._limit_bytes:
            return None
        try:
            records = self._decode_lines(joined)
        except (msgspec.DecodeError, RecursionError):
            return None
        # No text of ours holds a line feed, so equal bytes have equal lines: records cannot have shifted.
        if _encode_lines(records) != joined or joined.count(b"\n") != len(raws):
            return None
        if self._has_currency and not all(map(is_known, {record.currency for record in records})):  # type: ignore[attr-defined]
            return None
        if self._is_input and self._may_hold_card(records, joined) and self._any_fault(records, raws):
            return None
        return records

    def _any_fault(self, records: list[T], raws: Sequence[bytes]) -> bool:
        suspects = [
            raw for record, raw in zip(records, raws, strict=True) if self._may_hold_card([record], raw)
        ]
        return any(card_rules.first_fault(parse(raw.decode()).value) for raw in suspects)

    def _may_hold_card(self, records: Sequence[T], joined: bytes) -> bool:
        """Whether records whose own bytes are ``joined`` need the exact look; False is certain."""
        if card_rules.may_hold_number(joined):
            return True
        maps = {name: list(filter(None, map(attrgetter(name), records))) for name in self._maps}
        names = chain.from_iterable(maps.values())
        return not (
            card_rules.are_names_plain(names) and card_rules.are_numbers_short(maps.get("numbers", ()))
        )

    def _check_foreign(self, raw: bytes) -> None:
        """What the typed decoder skips in fields it does not know: depth, UTF-8, keys that stand twice."""
        if is_too_deep(raw):
            raise DecodeError("too_deep")
        try:
            found, twice = parse(raw.decode())
        except UnicodeDecodeError:
            raise DecodeError("not_utf8") from None
        if twice is not None:
            # A key that is no field of ours may hold anything, so it is not repeated in logs.
            raise DecodeError("duplicate_key", twice if twice in self._fields else "")
        if self._is_input and (fault := card_rules.first_fault(found)):
            raise DecodeError(*fault)

    def _check_ids(self, record: T) -> None:
        for field in self._ids:
            value = getattr(record, field)
            if value is not None and not is_clean_text(value):
                raise DecodeError("field_charset", field)


TRANSACTIONS: Final = Codec(Transaction)
ACTIVITIES: Final = Codec(Activity)
LABELS: Final = Codec(Label)
decode_transaction: Final = TRANSACTIONS.decode
decode_activity: Final = ACTIVITIES.decode
decode_label: Final = LABELS.decode


@cache
def codec_of(record: type[T]) -> Codec[T]:
    """The codec of a record type; built once."""
    return Codec(record)


def decode(record: type[T], raw: bytes) -> T:
    """The ``record`` in ``raw``. Raises DecodeError."""
    codec: Codec[T] = codec_of(record)
    return codec.decode(raw)


def refuse(raw: bytes) -> None:
    """Raises DecodeError when the JSON record ``raw`` breaks a rule of `card_rules`, or is no JSON at all.

    For bytes of any record, before or without its decoding; `Codec.decode` asks it for what others send us.
    """
    if is_too_deep(raw):
        raise DecodeError("too_deep")
    try:
        found = parse(raw.decode()).value
    except ValueError:
        raise _explain_syntax(raw) from None
    if fault := card_rules.first_fault(found):
        raise DecodeError(*fault)


def is_too_deep(raw: bytes) -> bool:
    """Whether objects and lists in the JSON text ``raw`` nest deeper than `NESTING_LIMIT`.

    A limit of our own: the interpreter's depends on its version and on the stack of the caller.
    """
    if raw.count(b"{") + raw.count(b"[") <= NESTING_LIMIT:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", raw)):
        depth += 1 if bracket.group() in b"{[" else -1
        if depth > NESTING_LIMIT:
            return True
    return False


def _explain(raw: bytes, error: Exception) -> DecodeError:
    """The reason code and field of what msgspec refused."""
    if isinstance(error, RecursionError) or is_too_deep(raw):
        return DecodeError("too_deep")
    if isinstance(error, UnicodeDecodeError):
        return DecodeError("not_utf8")
    if not isinstance(error, msgspec.ValidationError):
        return _explain_syntax(raw)
    if not raw.lstrip().startswith(b"{"):
        return DecodeError("not_json")
    text = str(error)
    found = _FIELD.search(text)
    field = found.group(1) if found else ""
    if missing := _MISSING.search(text):
        return DecodeError("field_missing", f"{field}.{missing.group(1)}".lstrip("."))
    if _UNKNOWN.search(text):
        # Its name is the sender's own text and may hold anything, so it is not repeated.
        return DecodeError("field_unknown", field)
    return DecodeError(_field_code(text, field), field)


def _explain_syntax(raw: bytes) -> DecodeError:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return DecodeError("not_utf8")
    return DecodeError("not_json")


def _field_code(text: str, field: str) -> str:
    if field == "v" and text.startswith("Expected `int` "):
        return "version_unknown"
    if field == "amount_minor" and text.startswith("Expected `int` >= 0"):
        return "amount_negative"
    if "of length" in text:
        return "field_length"
    if "matching regex" in text:
        return "field_charset"
    if text.startswith("Expected `") and ("` >=" in text or "` <=" in text or "` >" in text or "` <" in text):
        return "field_range"
    return "field_range" if "out of range" in text.lower() else "field_type"
