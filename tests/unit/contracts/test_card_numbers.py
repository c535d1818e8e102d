"""Card numbers in text and bytes: which are found, what is left of them, and what is none."""

from __future__ import annotations

import json

import pytest

from shared.contracts.card_numbers import (
    CardKey,
    find,
    find_in_bytes,
    has_card_number,
    is_card_number,
    masked,
    masked_text,
    passes_luhn,
)
from tests.support.card_plants import ARABIC, BRANDS, FULL_WIDTH, GAPS, VISA, spaced


@pytest.mark.parametrize("number", BRANDS.values(), ids=BRANDS)
def test_a_number_of_each_brand_is_one_and_with_another_last_digit_none(number: str) -> None:
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert (is_card_number(number), is_card_number(other)) == (True, False)
    assert not passes_luhn(other)


@pytest.mark.parametrize("gap", GAPS, ids=repr)
@pytest.mark.parametrize("group", [1, 4, 6])
def test_gaps_hide_nothing(gap: str, group: int) -> None:
    for number in BRANDS.values():
        assert number in [found.digits for found in find(f"paid by {spaced(number, gap, group)}, thanks")]


@pytest.mark.parametrize("script", [ARABIC, FULL_WIDTH], ids=["Arabic", "full width"])
def test_digits_of_another_script_are_digits(script: dict[int, str]) -> None:
    assert [found.digits for found in find(VISA.translate(script))] == [VISA]


@pytest.mark.parametrize(
    "text", ["tx-{}", "card{}", "({})", "{}=2512", "{} 123 12/27", "12 {}", "pan:{};", "a{}b"]
)
def test_it_is_found_inside_longer_text(text: str) -> None:
    assert [found.digits for found in find(text.format(VISA))] == [VISA]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tx-l19470123456-00000012",
        "tx-00012-000123",
        "1700000000000",
        "1700000000000-17",
        "2026-11-26 12:34:56.789",
        "0.4111111111111111",
        "[0.4358974358974359,-12.4111111111111111]",
        "411111111111x1111",
        "411111111111111",
        "94111111111111111199",  # of a longer run no part is taken
        "00000000-4111-4111-8111-11111111111a",
        "4111111111111111aaaaaaaaaaaaaaaa",  # 32 hexadecimal digits
        "+49 151 2345 6789",
        "DE89370400440532013000",
        "0000000000000000",
    ],
)
def test_it_is_none(text: str) -> None:
    assert not has_card_number(text)


def test_what_stays_is_six_and_four_and_the_length() -> None:
    assert masked(b"a 4111-1111 1111 1111 b 378282246310005") == b"a 4111-11** **** 1111 b 378282*****0005"
    wide = VISA.translate(FULL_WIDTH)
    assert masked_text(wide) == wide[:6] + "******" + wide[12:]
    assert len(masked(wide.encode())) == len(wide.encode())
    assert masked(b"4222222222222") == b"422222***2222"


def test_where_two_share_digits_the_inner_ones_of_both_go() -> None:
    # 16 digits are one number, and with the three after them another.
    text = next(f"{VISA} {n:03}" for n in range(1000) if is_card_number(f"{VISA}{n:03}"))
    assert [found.digits for found in find(text)] == [VISA, text.replace(" ", "")]
    assert masked(text.encode())[6:15] == b"*" * 9


def test_escapes_of_json_are_read_and_masked() -> None:
    for raw in (rb'"\u0034111111111111111"', rb'"4111\t1111\u00a01111-1111"', rb'"\uff14111111111111111"'):
        hidden = masked(raw)
        assert [found.digits for found in find_in_bytes(raw)] == [VISA]
        assert (len(hidden), find_in_bytes(hidden)) == (len(raw), [])
        json.loads(hidden)
    bold = "".join(chr(0x1D7CE + int(digit)) for digit in VISA)
    assert len(find_in_bytes(json.dumps(bold).encode())) == len(find_in_bytes(bold.encode())) == 1


def test_bytes_of_any_kind_are_read() -> None:
    raw = b"\xff\x00\\u00zz\\" + VISA.encode() + b"\xe2\x82"
    assert masked(raw) == b"\xff\x00\\u00zz\\411111******1111\xe2\x82"
    clean = b"\xff\x00{}"
    assert masked(clean) is clean


def test_a_name_needs_the_key_and_the_key_has_one() -> None:
    key, other = CardKey(b"k" * 32), CardKey(b"o" * 32)
    assert key.name(VISA) == CardKey(b"k" * 32).name(VISA) != other.name(VISA)
    assert (len(key.name(VISA)), len(key.id)) == (64, 8)
    assert key.id != other.id
