"""Bodies at the front door: what breaks a bound is refused by name; equal meaning gives equal bytes."""

from __future__ import annotations

import json
import random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core import bodies, records
from services.gateway.core.keys import ApiKey
from services.gateway.core.operations import ACTIVITY, PAYMENT
from services.gateway.core.refusal import Refused
from shared.contracts.codec import decode, encode
from shared.contracts.payments import Transaction

KEY: Final = ApiKey(
    key_id="0" * 12,
    name="checkout",
    secret_hash="",
    portfolio="bank",
    actions=("decide",),
    caller="shop",
    details=True,
    rate_per_s=1.0,
    burst=1,
    created_at_ms=0,
    expires_at_ms=1,
)
FULL_PAYMENT: Final[dict[str, Any]] = {
    **PAYMENT,
    "v": 1,
    "card_id": "tok-a",
    "device_id": "dev-1",
    "payee_id": "pay-1",
    "latitude": 48.5,
    "longitude": -2.25,
    "caller": "shop",
    "numbers": {"basket": 3.0},
    "texts": {"note": "x"},
}
FULL_LABEL: Final[dict[str, Any]] = {
    "v": 1,
    "label_id": "l-1",
    "tx_id": "t-1",
    "account_id": "a-1",
    "event_time_ms": 1_790_000_000_000,
    "known_at_ms": 1_790_000_000_000,
    "verdict": "fraud",
    "source": "bank",
    "amount_minor": 1,
    "fraud_type": "x",
    "loss_minor": 1,
    "recovered_minor": 0,
}
KINDS: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "payment": (bodies.TRANSACTIONS, FULL_PAYMENT),
    "activity": (
        bodies.ACTIVITIES,
        {**ACTIVITY, "v": 1, "amount_minor": 5, "outcome": "ok", "texts": {"a": "b"}},
    ),
    "label": (bodies.LABELS, FULL_LABEL),
}
NEEDED: Final = {
    "payment": {"account_id", "event_time_ms", "amount_minor", "currency"},
    "activity": {"activity_id", "account_id", "event_time_ms", "kind"},
    "label": {"tx_id", "verdict", "source"},
}
FIELDS: Final = [(kind, field) for kind, (_, body) in KINDS.items() for field in body]


def refusal(kind: str, raw: bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        bodies.read_one(KINDS[kind][0], raw)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize("kind", KINDS)
def test_whole_bodies_are_taken(kind: str) -> None:
    codec, body = KINDS[kind]
    bodies.read_one(codec, json.dumps(body).encode())


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_that_is_left_out(kind: str, field: str) -> None:
    codec, body = KINDS[kind]
    raw = json.dumps({name: value for name, value in body.items() if name != field}).encode()
    if field in NEEDED[kind]:
        assert refusal(kind, raw) == ("field_missing", field)
    else:
        bodies.read_one(codec, raw)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_of_another_type(kind: str, field: str) -> None:
    body = KINDS[kind][1]
    wrong: list[Any] = [[], True, "text" if not isinstance(body[field], str) else 1]
    if not isinstance(body[field], dict):
        wrong.append({})
    for value in wrong:
        code, found = refusal(kind, json.dumps({**body, field: value}).encode())
        assert (code, found.split("[")[0]) == ("field_type", field), value


@pytest.mark.parametrize(("kind", "field"), [(k, f) for k, f in FIELDS if f in NEEDED[k] | {"v"}])
def test_null_is_no_value_where_one_is_needed(kind: str, field: str) -> None:
    raw = json.dumps({**KINDS[kind][1], field: None}).encode()
    assert refusal(kind, raw) == ("field_type", field)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["role", "gateway", "Tx_id", "amount", "__proto__", "x" * 300])
def test_a_field_that_nobody_knows(kind: str, name: str) -> None:
    code, field = refusal(kind, json.dumps({**KINDS[kind][1], name: "admin"}).encode())
    assert code == "field_unknown"
    assert name not in field


@pytest.mark.parametrize(
    ("text", "code"),
    [("NaN", "not_json"), ("Infinity", "not_json"), ("-Infinity", "not_json"), ("1e308", "field_type"),
     ("1e400", "field_range"), ("9223372036854775808", "field_range"), ("1000000000001", "field_range"),
     ('"12,5"', "field_type"), ('"12"', "field_type"), ("12.5", "field_type"), ("-1", "amount_negative"),
     ("-0.0", "field_type"), ("true", "field_type"), ("0x10", "not_json"), ("01", "not_json"),
     ("+1", "not_json")],
)  # fmt: skip
def test_f32_amounts(text: str, code: str) -> None:
    raw = json.dumps({**PAYMENT, "amount_minor": "@"}).encode().replace(b'"@"', text.encode())
    assert refusal("payment", raw)[0] == code


def test_f32_nothing_is_an_amount() -> None:
    bodies.read_one(bodies.TRANSACTIONS, json.dumps({**PAYMENT, "amount_minor": 0}).encode())


@pytest.mark.parametrize("currency", ["XXX", "eur", "EU", "EURO", "", "€€€", "E\u0000R"])
def test_f32_currencies(currency: str) -> None:
    code, field = refusal("payment", json.dumps({**PAYMENT, "currency": currency}).encode())
    assert code in ("currency_unknown", "field_length")
    assert field == "currency"


IDS: Final = {
    "a\x00b": "field_charset",
    "a\r\nb": "field_charset",
    "a\u202eb": "field_charset",
    "a\u200bb": "field_charset",
    "e\u0301": "field_charset",
    "\ue000": "field_charset",
    "x" * 10_240: "field_length",
    "x" * 65: "field_length",
    "": "field_length",
    "4111111111111111": "id_numeric",
}


@pytest.mark.parametrize("name", IDS, ids=ascii)
@pytest.mark.parametrize("field", ["tx_id", "account_id", "payee_id"])
def test_f33_ids_that_are_refused(field: str, name: str) -> None:
    assert refusal("payment", json.dumps({**PAYMENT, field: name}).encode()) == (IDS[name], field)


@pytest.mark.parametrize("raw", [b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\xff"'])
def test_f33_half_a_letter_is_no_text(raw: bytes) -> None:
    body = json.dumps({**PAYMENT, "tx_id": "@"}).encode().replace(b'"@"', raw)
    assert refusal("payment", body)[0] in ("not_json", "not_utf8")


@pytest.mark.parametrize("name", ["é", "مرحبا", "支付", "😀", "a b", "x" * 64, "<script>", "a'b\"c\\d"])
def test_f33_ids_that_are_letters_like_others(name: str) -> None:
    for ensure_ascii in (True, False):
        raw = json.dumps({**PAYMENT, "tx_id": name}, ensure_ascii=ensure_ascii).encode()
        made = records.transaction(bodies.read_one(bodies.TRANSACTIONS, raw), KEY)
        assert decode(Transaction, encode(made)).tx_id == name


@given(
    seed=st.randoms(use_true_random=False),
    indent=st.sampled_from([None, 0, 1, 4, "\t"]),
    ensure_ascii=st.booleans(),
    optional=st.sets(st.sampled_from(sorted({*FULL_PAYMENT} - NEEDED["payment"] - {"tx_id"}))),
    amount=st.integers(0, 10**12),
    note=st.text(st.characters(exclude_categories=("C", "Nd")), max_size=30),
)
def test_equal_meaning_gives_equal_bytes(
    seed: random.Random,
    indent: int | str | None,
    ensure_ascii: bool,
    optional: set[str],
    amount: int,
    note: str,
) -> None:
    """Order, blanks, escapes, `v` told or not, the caller told or not, the id in the body or the header."""
    kept = NEEDED["payment"] | {"tx_id"} | (optional - {"v", "caller"})
    body = {name: FULL_PAYMENT[name] for name in kept} | {"amount_minor": amount}
    if "texts" in body:
        body["texts"] = {"note": note}
    plain = json.dumps(body).encode()
    names = [*body, *(optional & {"v", "caller"})]
    seed.shuffle(names)
    other = {name: {**body, "v": 1, "caller": "shop"}[name] for name in names}
    written = json.dumps(other, indent=indent, ensure_ascii=ensure_ascii).encode()
    del other["tx_id"]
    by_header = json.dumps(other, indent=indent).encode()
    header = str(PAYMENT["tx_id"])
    made = {
        encode(records.transaction(bodies.read_one(bodies.TRANSACTIONS, raw), KEY, name))
        for raw, name in ((plain, None), (written, None), (written, header), (by_header, header))
    }
    assert len(made) == 1
    assert encode(decode(Transaction, next(iter(made)))) in made


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(raw: bytes) -> None:
    for codec, _ in KINDS.values():
        try:
            bodies.read_one(codec, raw)
        except Refused:
            continue


@given(
    st.lists(st.sampled_from([b"{}", b'{"tx_id":"a"}', b"1", b"[]", b'"x"', b"null"]), min_size=1, max_size=9)
)
def test_arrays_and_lines_bring_the_same_items(items: list[bytes]) -> None:
    array = bodies.split(b" [" + b" , ".join(items) + b"] ", bodies.JSON, 9)
    lines = bodies.split(b"\n \r\n".join(items) + b"\n\n", bodies.NDJSON, 9)
    assert array == items
    assert [line.strip() for line in lines] == items


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "empty_body"), (b" \n", "empty_body"), (b"[]", "empty_body"), (b"[{}", "not_json"),
     (b"[{},]", "not_json"), (b"[{}] x", "not_json"), (b"[\xff]", "not_json"), (b"[" * 100_000, "too_deep"),
     (b"[1,2,3,4]", "too_many_items")],
)  # fmt: skip
def test_arrays_that_cannot_be_told_apart(raw: bytes, code: str) -> None:
    with pytest.raises(Refused, match=rf"^{code}$"):
        bodies.split(raw, bodies.JSON, 3)


def test_a_refused_item_shows_its_id_unless_it_may_be_a_card() -> None:
    assert bodies.own_id(b'{"tx_id":"t-1","amount":1}', "tx_id") == "t-1"
    for raw in (b'{"tx_id":"4111111111111111"}', b'{"tx_id":1}', b"[]", b"x", b'{"tx_id":"a\\u0000"}',
                b'{"tx_id":"' + b"x" * 65 + b'"}', b"[" * 100_000):  # fmt: skip
        assert bodies.own_id(raw, "tx_id") == ""


def test_a_body_may_not_speak_for_another_caller() -> None:
    body = bodies.read_one(bodies.TRANSACTIONS, json.dumps({**PAYMENT, "caller": "other"}).encode())
    with pytest.raises(Refused, match="caller_forbidden"):
        records.transaction(body, KEY)
