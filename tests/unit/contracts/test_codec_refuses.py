"""Bytes that are no record, and the code and field that the codec answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.contracts.bounds import NESTING_LIMIT, RECORD_LIMIT_BYTES
from shared.contracts.codec import (
    DecodeError,
    decode,
    decode_activity,
    decode_label,
    decode_transaction,
    encode,
)
from shared.contracts.operations import DeadLetter, Status
from shared.contracts.payments import Transaction
from shared.contracts.reasons import REASONS

GOOD: dict[str, Any] = {
    "v": 1,
    "tx_id": "tx-1",
    "account_id": "acc-1",
    "event_time_ms": 1_532_476_800_000,
    "amount_minor": 1250,
    "currency": "EUR",
}


def _raw(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def _more(text: str | bytes) -> bytes:
    """A good record with one more member, written as it stands."""
    return _raw()[:-1] + b"," + (text.encode() if isinstance(text, str) else text) + b"}"


def _without(field: str) -> bytes:
    return json.dumps({k: v for k, v in GOOD.items() if k != field}).encode()


def _literal(field: str, literal: str) -> bytes:
    return _raw(**{field: "@"}).replace(b'"@"', literal.encode())


def _nested(depth: int) -> bytes:
    return _more('"x":' + "[" * depth + "]" * depth)


def _nested_objects(depth: int) -> bytes:
    return _more('"x":' + '{"a":' * depth + "1" + "}" * depth)


BYTES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "not_json", ""),
    "blank": (b"  \n", "not_json", ""),
    "words": (b"hello", "not_json", ""),
    "truncated": (_raw()[:-1], "not_json", ""),
    "truncated in a text": (_raw()[:12], "not_json", ""),
    "two records": (_raw() + _raw(), "not_json", ""),
    "wrong magic": (b"\x00\x00\x00\x00\x07" + _raw(), "not_json", ""),
    "a list": (b"[]", "not_json", ""),
    "a list of records": (b"[" + _raw() + b"]", "not_json", ""),
    "a text": (b'"x"', "not_json", ""),
    "null": (b"null", "not_json", ""),
    "a byte order mark": (b"\xef\xbb\xbf" + _raw(), "not_json", ""),
    "UTF-16": (_raw().decode().encode("utf-16"), "not_utf8", ""),
    "bad UTF-8 at the start": (b"\xff" + _raw(), "not_utf8", ""),
    "bad UTF-8 in a field": (_more(b'"category":"\xff"'), "not_utf8", ""),
    "bad UTF-8 in an unknown field": (_more(b'"x":"\xff"'), "not_utf8", ""),
    "overlong UTF-8": (_more(b'"category":"\xc0\x80"'), "not_utf8", ""),
    "a surrogate in UTF-8": (_more(b'"card_id":"\xed\xa0\x80"'), "not_utf8", ""),
    "single quotes": (b"{'v': 1}", "not_json", ""),
    "a raw control character": (_more(b'"card_id":"a\x01b"'), "not_json", ""),
    "a raw line end": (_more(b'"card_id":"a\r\nb"'), "not_json", ""),
    "lone surrogate": (_more('"card_id":"\\ud800"'), "not_json", ""),
    "lone surrogate in an unknown field": (_more('"x":"\\udfff"'), "not_json", ""),
    "1,025 lists": (_nested(1025), "too_deep", ""),
    "1,025 objects": (_nested_objects(1025), "too_deep", ""),
    "100,000 lists": (_nested(100_000), "too_deep", ""),
    "100,000 lists never closed": (b'{"x":' + b"[" * 100_000, "too_deep", ""),
    "one too deep": (_nested(NESTING_LIMIT), "too_deep", ""),
    "duplicate key": (_more('"tx_id":"other"'), "duplicate_key", "tx_id"),
    "duplicate key, same value": (_more('"tx_id":"tx-1"'), "duplicate_key", "tx_id"),
    "duplicate key, escaped": (_more('"\\u0074x_id":"other"'), "duplicate_key", "tx_id"),
    "duplicate key in texts": (_more('"texts":{"a":"1","a":"2"}'), "duplicate_key", ""),
    "duplicate key in an unknown field": (_more('"x":[{"q":{"b":1,"b":1}}]'), "duplicate_key", ""),
    "oversize": (_raw(x="x" * RECORD_LIMIT_BYTES), "oversize", ""),
    "NaN": (_raw(amount_minor=float("nan")), "not_json", ""),
    "Infinity": (_raw(latitude=float("inf")), "not_json", ""),
    "-Infinity in an unknown field": (_raw(x=float("-inf")), "not_json", ""),
}

FIELDS: dict[str, tuple[bytes, str, str]] = {
    "empty object": (b"{}", "field_missing", "v"),
    **{f"no {field}": (_without(field), "field_missing", field) for field in GOOD},
    "negative": (_raw(amount_minor=-1), "amount_negative", "amount_minor"),
    "1e308": (_raw(amount_minor=1e308), "field_type", "amount_minor"),
    "1e400": (_literal("amount_minor", "1e400"), "field_range", "amount_minor"),
    "2^63": (_raw(amount_minor=2**63), "field_range", "amount_minor"),
    "2^64": (_raw(amount_minor=2**64), "field_range", "amount_minor"),
    "5,000 digits": (_literal("amount_minor", "9" * 5000), "field_range", "amount_minor"),
    "over the limit": (_raw(amount_minor=10**12 + 1), "field_range", "amount_minor"),
    "a comma number": (_raw(amount_minor="12,5"), "field_type", "amount_minor"),
    "a number as text": (_raw(amount_minor="12"), "field_type", "amount_minor"),
    "a fraction": (_raw(amount_minor=12.5), "field_type", "amount_minor"),
    "a whole float": (_literal("amount_minor", "12.0"), "field_type", "amount_minor"),
    "true": (_raw(amount_minor=True), "field_type", "amount_minor"),
    "null amount": (_raw(amount_minor=None), "field_type", "amount_minor"),
    "unknown currency": (_raw(currency="XXX"), "currency_unknown", "currency"),
    "lower-case currency": (_raw(currency="eur"), "currency_unknown", "currency"),
    "a sign as currency": (_raw(currency="€€€"), "currency_unknown", "currency"),
    "long currency": (_raw(currency="EURO"), "field_length", "currency"),
    "numeric currency": (_raw(currency=978), "field_type", "currency"),
    "version 2": (_raw(v=2), "version_unknown", "v"),
    "version 0": (_raw(v=0), "version_unknown", "v"),
    "version 2^70": (_raw(v=2**70), "version_unknown", "v"),
    "version as text": (_raw(v="1"), "field_type", "v"),
    "time before 2000": (_raw(event_time_ms=946_684_799_999), "field_range", "event_time_ms"),
    "time after 2100": (_raw(event_time_ms=4_102_444_800_001), "field_range", "event_time_ms"),
    "time in seconds": (_raw(event_time_ms=1_532_476_800), "field_range", "event_time_ms"),
    "time as text": (_raw(event_time_ms="2018-07-25"), "field_type", "event_time_ms"),
    "an id that is a number": (_raw(tx_id=17), "field_type", "tx_id"),
    "empty id": (_raw(tx_id=""), "field_length", "tx_id"),
    "65 letters": (_raw(tx_id="x" * 65), "field_length", "tx_id"),
    "10 kB id": (_raw(account_id="x" * 10_240), "field_length", "account_id"),
    "NUL": (_raw(tx_id="a\x00b"), "field_charset", "tx_id"),
    "CRLF": (_raw(card_id="a\r\nb"), "field_charset", "card_id"),
    "delete": (_raw(card_id="a\x7fb"), "field_charset", "card_id"),
    "raw delete": (_more(b'"card_id":"a\x7fb"'), "field_charset", "card_id"),
    "right-to-left override": (_raw(payee_id="a\u202eb"), "field_charset", "payee_id"),
    "zero-width space": (_raw(device_id="a\u200bb"), "field_charset", "device_id"),
    "not NFC": (_raw(merchant_id="e\u0301"), "field_charset", "merchant_id"),
    "private use": (_raw(terminal_id="\ue000"), "field_charset", "terminal_id"),
    "line separator": (_raw(terminal_id="a\u2028b"), "field_charset", "terminal_id"),
    "latitude": (_raw(latitude=90.1), "field_range", "latitude"),
    "longitude": (_raw(longitude=-180.1), "field_range", "longitude"),
    "a huge number": (_raw(numbers={"a": 1e16}), "field_range", "numbers[...]"),
    "a text among numbers": (_raw(numbers={"a": "1"}), "field_type", "numbers[...]"),
    "33 numbers": (_raw(numbers={str(i): 1 for i in range(33)}), "field_length", "numbers"),
    "a number among texts": (_raw(texts={"a": 1}), "field_type", "texts[...]"),
    "a long text": (_raw(texts={"a": "x" * 257}), "field_length", "texts[...]"),
    "a long category": (_raw(category="x" * 65), "field_length", "category"),
}


CASES = BYTES | FIELDS


@pytest.mark.parametrize("case", CASES)
def test_bad_bytes_give_one_code_and_field(case: str) -> None:
    raw, code, field = CASES[case]

    with pytest.raises(DecodeError) as caught:
        decode_transaction(raw)

    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.code in REASONS


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_record_are_none_for_any_reader(case: str) -> None:
    raw, code, _ = BYTES[case]
    for read in (decode_activity, decode_label):
        with pytest.raises(DecodeError) as caught:
            read(raw)
        # A reader may find a field missing before it comes to the bytes that are bad.
        assert caught.value.code in {code, "field_missing"}


def test_every_truncation_is_refused() -> None:
    raw = _raw(texts={"a": "é\\"}, numbers={"b": 1.5})
    for length in range(len(raw)):
        with pytest.raises(DecodeError):
            decode_transaction(raw[:length])


def test_the_error_never_repeats_a_key_it_does_not_know() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_transaction(_more('"4111111111111111":1,"4111111111111111":2'))

    assert "4111" not in str(caught.value)


def test_a_nested_field_is_named_by_its_path() -> None:
    raw = b'{"v":1,"service":"s","instance":"i","at_ms":1532476800000,"state":"ready","partitions":[{}]}'
    with pytest.raises(DecodeError) as caught:
        decode(Status, raw)

    assert (caught.value.code, caught.value.field) == ("field_missing", "partitions[0].topic")


def test_a_dead_letter_carries_the_largest_record_and_comes_back() -> None:
    body = b"\xff" * RECORD_LIMIT_BYTES
    letter = DeadLetter(
        v=1,
        reason="not_utf8",
        field="",
        topic="bank.transactions",
        partition=0,
        offset=1,
        attempt=1,
        service="scorer",
        at_ms=GOOD["event_time_ms"],
        body_hash="",
        body_bytes=len(body),
        body=body,
    )

    assert decode(DeadLetter, encode(letter)).body == body
    with pytest.raises(DecodeError):
        decode(Transaction, encode(letter))
