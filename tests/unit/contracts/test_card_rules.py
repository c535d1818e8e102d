"""Records with something of a card in them are refused: the field named, the value nowhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.contracts.card_rules import forbidden_name
from shared.contracts.codec import ACTIVITIES, LABELS, TRANSACTIONS, Codec, DecodeError, encode, refuse
from shared.contracts.payments import Activity, Label, Transaction
from tests.support.card_plants import ARABIC, VISA, spaced
from tests.support.scorer_traffic import T0_MS, label_of, payment

ACTIVITY = Activity(v=1, activity_id="act-1", account_id="a-1", event_time_ms=T0_MS, kind="login")
LABEL = label_of(payment("tx-1"), T0_MS)
RECORDS: list[tuple[Codec[Any], Any]] = [
    (TRANSACTIONS, payment("tx-1")),
    (ACTIVITIES, ACTIVITY),
    (LABELS, LABEL),
]
FREE_TEXTS = [
    (codec, record, field.name)
    for codec, record in RECORDS
    for field in msgspec.structs.fields(record)
    if field.name not in {"verdict", "currency"} and "str" in str(field.type)
]


def fault(codec: Codec[Any], raw: bytes) -> tuple[str, str]:
    """How one record is refused: alone, among good ones, and by the rules alone, all alike."""
    found = []
    good = encode(RECORDS[[c for c, _ in RECORDS].index(codec)][1])
    for call in (lambda: codec.decode(raw), lambda: refuse(raw)):
        with pytest.raises(DecodeError) as caught:
            call()
        assert "11111111" not in str(caught.value)
        found.append((caught.value.code, caught.value.field))
    first, among, last = codec.decode_each([good, raw, good]).records
    assert isinstance(among, DecodeError)
    assert not isinstance(first, DecodeError)
    assert not isinstance(last, DecodeError)
    assert found == [(among.code, among.field)] * 2
    return found[0]


def changed(record: Any, **fields: Any) -> bytes:
    return encode({**msgspec.json.decode(encode(record)), **fields})


@pytest.mark.parametrize(("codec", "record", "field"), FREE_TEXTS, ids=lambda value: str(value)[:12])
def test_every_text_field_of_every_input(codec: Codec[Any], record: Any, field: str) -> None:
    value: object = f"no {VISA}"
    if field in ("texts", "numbers"):
        value = {"note": spaced(VISA, "-")} if field == "texts" else {"note": 378282246310005.0}
    name = f"{field}.note" if isinstance(value, dict) else field
    assert fault(codec, changed(record, **{field: value})) == ("card_number", name)


@pytest.mark.parametrize("field", ["tx_id", "account_id", "card_id", "payee_id"])
def test_an_id_of_digits_alone_is_refused_for_its_length(field: str) -> None:
    for value in ("1234567890123", "1" * 19, VISA, "1234567890123".translate(ARABIC)):
        assert fault(TRANSACTIONS, changed(payment("tx-1"), **{field: value})) == ("id_numeric", field)
    for value in ("123456789012", "1" * 20, "tx-1234567890123"):
        assert TRANSACTIONS.decode(changed(payment("tx-1"), **{field: value}))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"memo": VISA}, "memo"),
        ({"memo": int(VISA)}, "memo"),
        ({"memo": float(VISA)}, "memo"),
        ({"extra": {"deep": [{"memo": [VISA]}]}}, "extra.deep"),
        ({"texts": {VISA: "x"}}, "texts"),
        ({VISA: 1}, ""),
        ({"m3mo": VISA}, ""),  # a name with digits may itself be data
        ({"texts": {"a 4 b": VISA}}, "texts"),
        ({"texts": {"note": f":{VISA}"}}, "texts.note"),
        ({"numbers": {"x_ms": 378282246310005}}, "numbers.x_ms"),
    ],
)
def test_keys_unknown_fields_and_numbers(fields: dict[str, Any], told: str) -> None:
    assert fault(TRANSACTIONS, changed(payment("tx-1"), **fields)) == ("card_number", told)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cvv": "123"}, "cvv"),
        ({"CVV": None}, "cvv"),
        ({"card": {"Cvv-2": "1"}}, "card.cvv2"),
        ({"extra": [{"Track 2 Data": ""}]}, "extra.track2data"),
        ({"texts": {"PIN": "1234"}}, "texts.pin"),
        ({"texts": {"card_number": "tok_1"}}, "texts.cardnumber"),
        ({"numbers": {"pan": 1.0}}, "numbers.pan"),
        ({"\uff23\uff36\uff36": "1"}, "cvv"),
    ],
)
def test_forbidden_names_are_refused_whatever_they_hold(fields: dict[str, Any], told: str) -> None:
    assert fault(TRANSACTIONS, changed(payment("tx-1"), **fields)) == ("field_forbidden", told)


@pytest.mark.parametrize(
    "name",
    [
        "cvc",
        "cvv2",
        "CVC2",
        "cardCvc",
        "card-pin",
        "pin_block",
        "track1",
        "PAN",
        "cc_number",
        "CreditCardNumber",
    ],
)
def test_names_that_say_card(name: str) -> None:
    assert forbidden_name(name)


@pytest.mark.parametrize(
    "name",
    ["card_id", "cvv_match", "pin_verified", "pan_entry_mode", "company", "tracking", "card_country", "spin"],
)
def test_names_that_do_not(name: str) -> None:
    assert forbidden_name(name) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"event_time_ms": 4_070_908_800_000},
        {"amount_minor": 10**12},
        {"latitude": 48.41111111111111, "longitude": -4.111111111111111},
        {"numbers": {"seen_ms": 1_700_000_000_000.0, "share": 0.4111111111111111}},
        {"texts": {"trace": "00000000-4111-4111-8111-11111111111a", "lat": "52.4111111111111"}},
        {"sent_ms": 1_700_000_000_000},
        {"tx_id": "tx-l19470123456-00000012"},
    ],
)
def test_what_is_no_card_passes(fields: dict[str, Any]) -> None:
    raw = changed(payment("tx-1"), **fields)
    refuse(raw)
    assert isinstance(TRANSACTIONS.decode(raw), Transaction)
    assert isinstance(TRANSACTIONS.decode_each([raw, raw]).records[1], Transaction)


def test_the_rules_alone_refuse_what_is_no_json() -> None:
    for raw, code in ((b"{", "not_json"), (b"\xff", "not_utf8"), (b"[" * 99 + b"]" * 99, "too_deep")):
        with pytest.raises(DecodeError, match=code):
            refuse(raw)


def test_labels_have_two_times_and_pass_together() -> None:
    raws = [encode(LABEL)] * 3
    assert all(isinstance(record, Label) for record in LABELS.decode_each(raws).records)
    assert LABELS.decode_each(raws).is_plain
