"""Rows of text put together by the kernel are those that string formatting gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.core.rows_text import FEW, Hex, Part, write, write_few, write_many
from shared.contracts.texts import Texts, lines, together

CELL = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=9)
LEAST = -(2**63) + 1
WIDTH = 3
INTEGER = st.one_of(st.integers(LEAST, 2**63 - 1), st.sampled_from([0, 9, 10, -1, LEAST, 2**63 - 1]))


def rows_of(texts: Texts) -> list[str]:
    return [texts.pool[start:stop].decode() for start, stop in texts.bounds.tolist()]


def written(parts: list[Part], n: int) -> Texts:
    """The rows, which must not depend on the way."""
    many, few = write_many(parts, n), write_few(parts, n)
    assert rows_of(few) == rows_of(many)
    assert few.pool == many.pool
    return many


def drawn(data: st.DataObject, n: int) -> tuple[Part, list[str]]:
    """A part, and what it stands for in each of n rows."""
    kind = data.draw(st.sampled_from(["constant", "texts", "integers", "hex"]))
    if kind == "constant":
        text = data.draw(CELL)
        return text, [text] * n
    if kind == "texts":
        cells = data.draw(st.lists(CELL, min_size=n, max_size=n))
        texts = together([cell.encode() for cell in cells])
        rows = data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n) if n else st.just([]))
        return texts[np.array(rows, np.intp)], [cells[row] for row in rows]
    if kind == "integers":
        values = data.draw(st.lists(INTEGER, min_size=n, max_size=n))
        return np.array(values, np.int64), [str(value) for value in values]
    digests = data.draw(st.lists(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=n, max_size=n))
    return Hex(np.frombuffer(b"".join(digests), np.uint8).reshape(n, WIDTH)), [d.hex() for d in digests]


@settings(deadline=None)  # the first example compiles the kernel
@given(st.data(), st.integers(0, 5), st.integers(0, 6))
def test_rows_are_their_parts_in_turn(data: st.DataObject, n: int, count: int) -> None:
    parts = [drawn(data, n) for _ in range(count)]
    expected = ["".join(cells[i] for _, cells in parts) for i in range(n)]
    found = written([part for part, _ in parts], n)
    assert rows_of(found) == expected
    assert found.pool == "".join(expected).encode()


@given(st.lists(CELL, min_size=1, max_size=5))
def test_lines_are_told_apart(cells: list[str]) -> None:
    assert rows_of(lines("\n".join(cells).encode())) == cells


def test_what_was_written_can_be_a_column_again() -> None:
    once = written(["<", np.array([7, -80]), ">"], 2)
    assert rows_of(written([once, once], 2)) == ["<7><7>", "<-80><-80>"]


def test_columns_of_another_length_are_refused() -> None:
    for way in (write_few, write_many):
        with pytest.raises(ValueError, match=r"columns of \[3\] rows for 2"):
            way([np.zeros(2, np.int64), lines(b"a\nb\nc")], 2)


@pytest.mark.parametrize("n", [0, 1, FEW, FEW + 1, 3 * FEW])
def test_few_rows_and_many_are_written_alike(n: int) -> None:
    numbers = np.arange(n) - FEW
    assert rows_of(write(["<", numbers, ">"], n)) == [f"<{number}>" for number in numbers]


@pytest.mark.parametrize("n", [0, 1, 300])
def test_texts_of_every_length_stand_whole_beside_each_other(n: int) -> None:
    lengths = [0, 1, 127, 128, 129, 16_383, 16_384, 70_000]
    cells = [chr(ord("a") + i % 26) * lengths[i * 3 % len(lengths)] for i in range(n)]
    texts = together([cell.encode() for cell in cells])
    numbers = np.array([(-1) ** i * 10 ** (i % 19) for i in range(n)], np.int64)
    found = written(["<", texts, "", numbers, texts, ">"], n)
    assert rows_of(found) == [f"<{cell}{number}{cell}>" for cell, number in zip(cells, numbers, strict=True)]


def test_every_length_of_a_number_is_written() -> None:
    powers = [10**k for k in range(19)]
    values = [0, LEAST, 2**63 - 1, *powers, *(power - 1 for power in powers), *(-power for power in powers)]
    found = written([np.array(values, np.int64), ",", np.array(values[::-1], np.int64)], len(values))
    assert rows_of(found) == [f"{a},{b}" for a, b in zip(values, reversed(values), strict=True)]


def test_there_is_room_where_every_number_is_the_longest() -> None:
    found = written([np.full(50, LEAST), np.full(50, LEAST)], 50)
    assert rows_of(found) == [f"{LEAST}{LEAST}"] * 50


@pytest.mark.parametrize("width", [1, 16, 32, 64])
def test_every_byte_of_a_digest_is_written(width: int) -> None:
    bytes_of_all = np.resize(np.arange(256, dtype=np.uint8), (256, width))
    found = written([Hex(bytes_of_all), "/", Hex(bytes_of_all[::-1])], 256)
    hexed = [row.tobytes().hex() for row in bytes_of_all]
    assert rows_of(found) == [f"{a}/{b}" for a, b in zip(hexed, reversed(hexed), strict=True)]


def test_columns_of_several_pools_are_not_exchanged() -> None:
    one, other = together([b"a1", b"a2"]), together([b"b1", b"", b"b3"])
    backwards = np.array([1, 0], np.intp)
    found = written(
        [other[backwards], one, other[np.array([2, 2])], one[backwards], together([b"", b"c"])], 2
    )
    assert rows_of(found) == ["a1b3a2", "b1a2b3a1c"]
