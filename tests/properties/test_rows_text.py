"""Rows of text put together by the kernel are those that string formatting gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.core.rows_text import Hex, Part, write
from shared.contracts.texts import Texts, lines

CELL = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=9)
LEAST = -(2**63) + 1
WIDTH = 3
INTEGER = st.one_of(st.integers(LEAST, 2**63 - 1), st.sampled_from([0, 9, 10, -1, LEAST, 2**63 - 1]))


def rows_of(texts: Texts) -> list[str]:
    return [texts.pool[start:stop].decode() for start, stop in texts.bounds.tolist()]


def drawn(data: st.DataObject, n: int) -> tuple[Part, list[str]]:
    """A part, and what it stands for in each of n rows."""
    kind = data.draw(st.sampled_from(["constant", "texts", "integers", "hex"]))
    if kind == "constant":
        text = data.draw(CELL)
        return text, [text] * n
    if kind == "texts":
        cells = data.draw(st.lists(CELL, min_size=n, max_size=n))
        return lines("\n".join(cells).encode()), cells
    if kind == "integers":
        values = data.draw(st.lists(INTEGER, min_size=n, max_size=n))
        return np.array(values, np.int64), [str(value) for value in values]
    digests = data.draw(st.lists(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=n, max_size=n))
    return Hex(np.frombuffer(b"".join(digests), np.uint8).reshape(n, WIDTH)), [d.hex() for d in digests]


@settings(deadline=None)  # the first example compiles the kernel
@given(st.data(), st.integers(1, 5), st.integers(0, 6))
def test_rows_are_their_parts_in_turn(data: st.DataObject, n: int, count: int) -> None:
    parts = [drawn(data, n) for _ in range(count)]
    expected = ["".join(cells[i] for _, cells in parts) for i in range(n)]
    found = write([part for part, _ in parts], n)
    assert rows_of(found) == expected
    assert found.pool == "".join(expected).encode()


@given(st.lists(CELL, min_size=1, max_size=5))
def test_lines_are_told_apart(cells: list[str]) -> None:
    assert rows_of(lines("\n".join(cells).encode())) == cells


def test_what_was_written_can_be_a_column_again() -> None:
    once = write(["<", np.array([7, -80]), ">"], 2)
    assert rows_of(write([once, once], 2)) == ["<7><7>", "<-80><-80>"]


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"columns of \[2, 3\] rows for 2"):
        write([np.zeros(2, np.int64), lines(b"a\nb\nc")], 2)
