"""Dead letters keep what was sent, but never a card number, whatever the record is refused for."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from shared.bus.dead_letters import BODY_LIMIT_BYTES, dead_letter
from shared.bus.ports import Taken
from shared.contracts.card_numbers import CardKey, find_in_bytes
from shared.contracts.codec import decode
from shared.contracts.operations import DeadLetter
from shared.contracts.outcome import Dead
from tests.support.card_plants import VISA, spaced

CARDS = CardKey(b"k" * 32)


def letter(body: bytes, reason: str = "card_number", key: bytes | None = b"a-1") -> DeadLetter:
    message = Taken("bank.labels", 1, 7, 1_700_000_000_000, key, body, ())
    out = dead_letter(message, Dead(reason, "texts.note"), "scorer", 1, 1_700_000_000_000, CARDS)
    assert out.key == b"bank.labels"
    return decode(DeadLetter, out.value or b"")


def test_without_a_card_number_it_keeps_everything() -> None:
    found = letter(b"\x00\xff", "not_json")
    assert (found.body, found.key, found.body_bytes) == (b"\x00\xff", b"a-1", 2)
    assert found.body_hash == blake2b(b"\x00\xff", digest_size=32).hexdigest()
    assert (found.masked, found.card_hmac, found.card_key_id) == (False, "", "")


@pytest.mark.parametrize("reason", ["card_number", "not_json", "duplicate_key", "bug"])
def test_a_card_number_is_masked_and_named(reason: str) -> None:
    body = f'{{"note":"{spaced(VISA, " ")}"'.encode()
    found = letter(body, reason)
    assert found.body == b'{"note":"4111 11** **** 1111"'
    assert (found.masked, found.card_hmac, found.card_key_id) == (True, CARDS.name(VISA), CARDS.id)
    assert found.body_bytes == len(body)


def test_no_hash_of_the_true_bytes_is_told() -> None:
    found = letter(VISA.encode())
    assert found.body is not None
    assert found.body_hash == blake2b(found.body, digest_size=32).hexdigest()


def test_the_key_is_masked_too() -> None:
    found = letter(b"{}", "field_missing", VISA.encode())
    assert (found.body, found.key, found.masked) == (b"{}", b"411111******1111", True)
    assert found.card_hmac == CARDS.name(VISA)


def test_of_what_is_too_large_nothing_is_kept() -> None:
    found = letter(VISA.encode() + b" " * BODY_LIMIT_BYTES, "oversize", VISA.encode())
    assert (found.body, found.key, found.masked) == (None, None, False)


def test_no_record_without_a_key_gets_one() -> None:
    assert letter(b"{", "not_json", None).key is None
    assert find_in_bytes(letter(VISA.encode(), key=None).body or b"") == []
