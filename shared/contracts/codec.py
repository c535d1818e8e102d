"""Bytes to records and back, at one place, with one error: `DecodeError(code, field)`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec

from .bounds import RECORD_LIMIT_BYTES, is_clean_text
from .money import is_known
from .payments import ENTITY_FIELDS, Activity, Label, Transaction

T = TypeVar("T", bound=msgspec.Struct)

_ENCODER: Final = msgspec.json.Encoder()
encode: Final[Callable[[Any], bytes]] = _ENCODER.encode
"""A record's canonical bytes: compact JSON, fields in declared order, defaults left out where declared."""

_FIELD: Final = re.compile(r"`\$\.?([A-Za-z0-9_.\[\]]*)`$")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")
_ID_FIELDS: Final = ("tx_id", "activity_id", "label_id", *ENTITY_FIELDS)


class DecodeError(Exception):
    """Bytes that are no valid record: ``code`` is a reason code, ``field`` the field at fault or ""."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code = code
        self.field = field


class Codec(Generic[T]):
    """Decodes one record type strictly: bounds, characters, currency and duplicate keys are checked."""

    def __init__(self, record: type[T]) -> None:
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(record).decode
        self._has_currency = "currency" in record.__struct_fields__
        self._ids = tuple(f for f in _ID_FIELDS if f in record.__struct_fields__)

    def decode(self, raw: bytes) -> T:
        """The record in ``raw``. Raises DecodeError."""
        if len(raw) > RECORD_LIMIT_BYTES:
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
        if encode(record) != raw:
            _check_duplicates(raw)
        return record

    def _check_ids(self, record: T) -> None:
        for field in self._ids:
            value = getattr(record, field)
            if value is not None and not is_clean_text(value):
                raise DecodeError("field_charset", field)


decode_transaction: Final = Codec(Transaction).decode
decode_activity: Final = Codec(Activity).decode
decode_label: Final = Codec(Label).decode


@cache
def codec_of(record: type[T]) -> Codec[T]:
    """The codec of a record type; built once."""
    return Codec(record)


def decode(record: type[T], raw: bytes) -> T:
    """The ``record`` in ``raw``. Raises DecodeError."""
    return codec_of(record).decode(raw)


def _check_duplicates(raw: bytes) -> None:
    def refuse(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(pairs)
        if len(seen) != len(pairs):
            keys = [key for key, _ in pairs]
            raise DecodeError("duplicate_key", next(k for k in keys if keys.count(k) > 1)[:64])
        return seen

    json.loads(raw, object_pairs_hook=refuse)


def _explain(raw: bytes, error: Exception) -> DecodeError:
    """The reason code and field of what msgspec refused."""
    if isinstance(error, RecursionError):
        return DecodeError("too_deep")
    if isinstance(error, UnicodeDecodeError):
        return DecodeError("not_utf8")
    if not isinstance(error, msgspec.ValidationError):
        return _explain_syntax(raw)
    text = str(error)
    if missing := _MISSING.search(text):
        return DecodeError("field_missing", missing.group(1))
    found = _FIELD.search(text)
    field = found.group(1) if found else ""
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
    if text.startswith("Expected `") and ("` >=" in text or "` <=" in text or "` >" in text or "` <" in text):
        return "field_range"
    return "field_range" if "out of range" in text.lower() else "field_type"
