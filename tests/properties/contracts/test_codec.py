"""Whatever is a record comes back from its bytes, and whatever is none is refused with a code."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from shared.contracts.codec import TRANSACTIONS, DecodeError, decode, decode_transaction, encode
from shared.contracts.payments import Transaction
from shared.contracts.reasons import REASONS
from tests.properties.contracts.record_strategies import RECORDS, records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def _answer(raw: bytes) -> Transaction | str:
    """The record, or the code that refuses it; any other exception fails the test."""
    try:
        return decode_transaction(raw)
    except DecodeError as error:
        return error.code


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_record_survives_its_bytes(record: type[Struct], data: st.DataObject) -> None:
    value = data.draw(records(record))
    raw = encode(value)

    assert decode(record, raw) == value
    assert encode(decode(record, raw)) == raw


@given(raw=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_record_or_a_declared_code(raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_transaction(raw)
    assert caught.value.code in REASONS


@given(transaction=records(Transaction), field=st.sampled_from(Transaction.__struct_fields__), value=JSON)
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_field_gives_a_record_or_a_declared_code(
    transaction: Transaction, field: str, value: object
) -> None:
    raw = json.dumps({**json.loads(encode(transaction)), field: value}).encode()
    answer = _answer(raw)

    assert isinstance(answer, Transaction) or answer in REASONS
    assert isinstance(answer, str) or decode_transaction(encode(answer)) == answer


@given(transaction=records(Transaction), cut=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_never_raise_anything_else(transaction: Transaction, cut: int, noise: bytes) -> None:
    raw = encode(transaction)
    at = cut % len(raw)
    answer = _answer(raw[:at] + noise + raw[at + 1 :])

    assert isinstance(answer, Transaction) or answer in REASONS


@given(transaction=records(Transaction), key=st.sampled_from(("v", "tx_id", "account_id", "currency")))
@settings(max_examples=100, deadline=None)
def test_a_key_that_stands_twice_is_always_found(transaction: Transaction, key: str) -> None:
    raw = encode(transaction)
    member = json.dumps({key: getattr(transaction, key)})[1:]

    with pytest.raises(DecodeError) as caught:
        decode_transaction(raw[:-1] + b"," + member.encode())
    assert (caught.value.code, caught.value.field) == ("duplicate_key", key)


PLAIN = records(Transaction).map(encode).filter(bytes.isascii)
FOREIGN = st.one_of(
    records(Transaction).map(encode),
    records(Transaction).map(lambda tx: json.dumps(json.loads(encode(tx))).encode()),
    records(Transaction).map(lambda tx: encode(tx).replace(b",", b",\n", 1)),
    records(Transaction).map(lambda tx: encode(tx).replace(b'"currency":', b'"currency":"XXX","_":')),
    st.binary(max_size=20),
    st.just(b""),
)


def _each(raws: list[bytes]) -> list[Transaction | tuple[str, str]]:
    found: list[Transaction | tuple[str, str]] = []
    for raw in raws:
        try:
            found.append(decode_transaction(raw))
        except DecodeError as error:
            found.append((error.code, error.field))
    return found


@given(raws=st.lists(st.one_of(PLAIN, PLAIN, PLAIN, FOREIGN), max_size=5))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_at_once_are_what_each_is_alone(raws: list[bytes]) -> None:
    decoded = TRANSACTIONS.decode_each(raws)
    found = [(r.code, r.field) if isinstance(r, DecodeError) else r for r in decoded.records]

    assert found == _each(raws)
    assert not decoded.is_plain or [encode(record) for record in decoded.records] == raws


def test_records_that_only_together_are_valid_are_refused() -> None:
    first, second = (encode(_payment(tx_id)) for tx_id in ("tx-1", "tx-2"))
    cut = len(first) // 2
    halves = [first + b"\n" + second[:cut], second[cut:]]
    shifted = [first[:cut], first[cut:] + b"\n" + second]
    for raws in (halves, shifted, [first + b"\n" + second], [first, b"", second]):
        decoded = TRANSACTIONS.decode_each(raws)
        assert not decoded.is_plain
        assert [isinstance(r, DecodeError) for r in decoded.records] == [not _is_valid(raw) for raw in raws]
    assert TRANSACTIONS.decode_each([first, second]).is_plain


def _is_valid(raw: bytes) -> bool:
    return isinstance(_answer(raw), Transaction)


def _payment(tx_id: str) -> Transaction:
    return Transaction(
        v=1, tx_id=tx_id, account_id="a-1", event_time_ms=1_700_000_000_000, amount_minor=1, currency="EUR"
    )
