"""A card number planted anywhere is found; our own traffic holds none; many at once say what one says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from shared.contracts.card_numbers import find_in_bytes, has_card_number, masked
from shared.contracts.card_rules import may_hold_number
from shared.contracts.codec import Codec, DecodeError, codec_of, encode, refuse
from shared.contracts.payments import Activity, Label, Transaction
from tests.properties.contracts.record_strategies import records
from tests.support.card_plants import ARABIC, BRANDS, FULL_WIDTH, GAPS, spaced
from tests.support.scorer_traffic import traffic

INPUTS = (Transaction, Activity, Label)
WORDS = st.text("abz _:,'\"\u00e9", max_size=8)


@st.composite
def planted(draw: st.DrawFn) -> str:
    """A card number as people write it, with words around it."""
    number = draw(st.sampled_from(sorted(BRANDS.values())))
    text = spaced(number, draw(st.sampled_from(GAPS)), draw(st.integers(1, 19)))
    text = text.translate(draw(st.sampled_from([{}, ARABIC, FULL_WIDTH])))
    return draw(WORDS) + text + draw(WORDS)


@given(text=planted(), as_ascii=st.booleans())
@settings(max_examples=300, deadline=None)
def test_it_is_found_in_text_and_masked_in_bytes(text: str, as_ascii: bool) -> None:
    assert has_card_number(text)
    for raw in (text.encode(), json.dumps(text, ensure_ascii=as_ascii).encode()):
        hidden = masked(raw)
        assert find_in_bytes(raw)
        assert len(hidden) == len(raw)
        assert find_in_bytes(hidden) == []


@pytest.mark.parametrize("record", INPUTS, ids=lambda record: record.__name__)
@given(data=st.data(), text=planted(), as_ascii=st.booleans())
@settings(max_examples=100, deadline=None)
def test_it_is_refused_in_any_text_of_any_input(
    record: type[Struct], data: st.DataObject, text: str, as_ascii: bool
) -> None:
    values = json.loads(encode(data.draw(records(record))))
    places = [[name] for name, value in values.items() if isinstance(value, str)]
    places += [["texts", "note"], ["numbers", text], ["unknown", "deep"], [text]]
    place = data.draw(st.sampled_from(places))
    if len(place) == 1:
        values[place[0]] = text
    else:
        values[place[0]] = {**(values.get(place[0]) or {}), place[1]: text}
    raw = json.dumps(values, ensure_ascii=as_ascii).encode()
    for call in (refuse, codec_of(record).decode):
        with pytest.raises(DecodeError) as caught:
            call(raw)
        # The decoder may see a text that is too long, or none where none belongs, before it sees the number.
        assert caught.value.code != "not_json"
    assert not has_card_number(str(caught.value))
    assert find_in_bytes(masked(raw)) == []


@given(
    drawn=st.lists(records(Transaction), min_size=1, max_size=6),
    text=planted() | st.just(""),
    row=st.integers(0, 5),
)
@settings(max_examples=200, deadline=None)
def test_many_at_once_say_what_each_alone_says(drawn: list[Any], text: str, row: int) -> None:
    raws = [encode(record) for record in drawn]
    if text:
        values = {**json.loads(raws[row % len(raws)]), "texts": {"note": text}}
        raws[row % len(raws)] = encode(values)
    codec = codec_of(Transaction)
    assert [_told(found) for found in codec.decode_each(raws).records] == [_alone(codec, raw) for raw in raws]


def _told(found: Any) -> Any:
    return (found.code, found.field) if isinstance(found, DecodeError) else found


def _alone(codec: Codec[Any], raw: bytes) -> Any:
    try:
        return codec.decode(raw)
    except DecodeError as error:
        return _told(error)


@given(text=st.text('0123456789- :"_ms', max_size=40))
@settings(max_examples=500, deadline=None)
def test_the_cheap_look_misses_nothing(text: str) -> None:
    raw = b'{"event_time_ms":1700000000000,"texts":{"a":%b},"known_at_ms":170000000000}' % encode(text)
    assert may_hold_number(raw) or not find_in_bytes(raw)


@pytest.mark.parametrize("seed", range(3))
def test_our_own_traffic_holds_none(seed: int) -> None:
    for record in traffic(seed, 2_000):
        raw = encode(record)
        assert codec_of(type(record)).decode(raw) == record
        assert masked(raw) is raw
