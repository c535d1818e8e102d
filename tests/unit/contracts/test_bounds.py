"""Characters an id may hold."""

from __future__ import annotations

import pytest

from shared.contracts.bounds import is_clean_text


@pytest.mark.parametrize("text", ["", "abc", "a b", "é", "😀", "שלום", "日本", "~", "½"])
def test_clean(text: str) -> None:
    assert is_clean_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\n",
        "\r",
        "\t",
        "\x1f",
        "\x7f",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "e\u0301",
        "\u2028",
        "\u2029",
        "\ue000",
        "\ud800",
        "\U000e0001",
        "\u0378",
    ],
    ids=ascii,
)
def test_unclean(text: str) -> None:
    assert not is_clean_text(text)
    assert not is_clean_text(f"é{text}é")
