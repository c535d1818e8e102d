"""The reason codes: one word, one sentence."""

from __future__ import annotations

import re

import pytest

from shared.contracts.reasons import REASONS, describe


@pytest.mark.parametrize("code", REASONS)
def test_a_code_is_one_short_word_with_a_sentence(code: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", code)
    assert len(code) <= 64
    assert re.fullmatch(r"[A-Z].{10,}\.", describe(code))


def test_no_two_codes_say_the_same() -> None:
    assert len(set(REASONS.values())) == len(REASONS)


def test_an_undeclared_code_is_refused() -> None:
    with pytest.raises(KeyError):
        describe("made_up")
