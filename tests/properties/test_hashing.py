"""Hashes of many texts at once are those of hashlib, whatever the lengths."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.contracts.texts import together
from shared.features.hashing import FEW, LONG_BYTES, Hasher

TEXT = st.one_of(st.binary(max_size=300), st.sampled_from([b"a" * 127, b"b" * 128, b"c" * 129, b"d" * 256]))

SIZE, KEY, PERSON = st.integers(1, 64), st.binary(max_size=64), st.binary(max_size=16)
LENGTHS = (0, 1, 127, 128, 129, 300, 1000)
AROUND = st.sampled_from(LENGTHS).map(lambda length: b"around."[: length % 8] * (length // 7 + 1))
MANY = (63, 64, 65, 130, 300)
"""The kernel hashes 64 texts side by side: one group that is not full, a full one, and more than one."""


def texts_of(lengths: list[int], seed: int) -> list[bytes]:
    source = np.random.default_rng(seed)
    return [source.bytes(length) for length in lengths]


def mixed(n: int, seed: int) -> list[bytes]:
    """n texts; each length comes beside each other, and in another lane of every group."""
    lengths = np.random.default_rng(seed).permutation(np.resize(LENGTHS, n))
    return texts_of(lengths.tolist(), seed)


def check(found: NDArray[np.uint8], texts: list[bytes], size: int, key: bytes, person: bytes) -> None:
    expected = [blake2b(text, digest_size=size, key=key, person=person).digest() for text in texts]
    assert found.shape == (len(texts), size)
    assert [digest.tobytes() for digest in found] == expected


@settings(deadline=None)  # the first example compiles the kernel
@given(
    st.lists(TEXT, max_size=5),
    SIZE,
    KEY,
    PERSON,
    TEXT,
    TEXT,
)
@example([b"", b"x"], 16, b"k" * 64, b"", b"", b"")
@example([b""], 16, b"", b"", b"p" * 128, b"")
def test_each_digest_is_hashlibs(
    texts: list[bytes], size: int, key: bytes, person: bytes, prefix: bytes, suffix: bytes
) -> None:
    hasher = Hasher(size, key=key, person=person, prefix=prefix, suffix=suffix)
    check(hasher.of_few(together(texts)), [prefix + text + suffix for text in texts], size, key, person)
    found = hasher.of_many(together(texts))
    check(found, [prefix + text + suffix for text in texts], size, key, person)


@settings(deadline=None, max_examples=40)  # hundreds of texts each
@given(st.sampled_from(MANY), st.integers(0, 2**32), SIZE, KEY, PERSON, AROUND, AROUND)
@example(300, 1, 16, b"", b"", b"", b"")
@example(130, 2, 8, b"k" * 64, b"\x01", b"", b"")
@example(65, 3, 16, b"", b"", b"p" * 128, b"s" * 128)
@example(64, 4, 64, b"k", b"person", b"p" * 129, b"s" * 127)
def test_many_texts_side_by_side(
    n: int, seed: int, size: int, key: bytes, person: bytes, prefix: bytes, suffix: bytes
) -> None:
    texts = mixed(n, seed)
    hasher = Hasher(size, key=key, person=person, prefix=prefix, suffix=suffix)
    check(hasher.of_few(together(texts)), [prefix + text + suffix for text in texts], size, key, person)
    found = hasher.of_many(together(texts))
    check(found, [prefix + text + suffix for text in texts], size, key, person)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("n", MANY)
def test_many_texts_of_one_length(n: int, length: int) -> None:
    texts = texts_of([length] * n, n)
    check(Hasher(16, suffix=b"\x1fs").of_many(together(texts)), [t + b"\x1fs" for t in texts], 16, b"", b"")


def test_a_hasher_keeps_nothing_of_the_texts_before() -> None:
    hasher = Hasher(32, key=b"key", prefix=b"prefix")
    for n, seed in ((300, 1), (1, 2), (0, 3), (63, 4), (130, 5), (2, 6)):
        texts = mixed(n, seed)
        check(hasher.of_many(together(texts)), [b"prefix" + text for text in texts], 32, b"key", b"")


@pytest.mark.parametrize("prefix", [b"", b"p" * 300])
def test_long_texts_among_short_ones(prefix: bytes) -> None:
    texts = texts_of([3, LONG_BYTES, 400, LONG_BYTES - 1, 70_000, 0, *[20] * 70, LONG_BYTES + 1], 9)
    hasher = Hasher(16, key=b"key", person=b"one", prefix=prefix, suffix=b"end")
    for _ in range(2):
        found = hasher.of_many(together(texts))
        check(found, [prefix + text + b"end" for text in texts], 16, b"key", b"one")


@pytest.mark.parametrize("n", [0, 1, FEW, FEW + 1, 3 * FEW])
def test_few_texts_and_many_are_hashed_alike(n: int) -> None:
    texts = mixed(n, 11)
    check(Hasher(16).of(together(texts)), texts, 16, b"", b"")


def test_texts_may_stand_anywhere_in_their_pool() -> None:
    texts = mixed(130, 7)
    rows = np.random.default_rng(8).integers(0, 130, 200).astype(np.intp)
    found = Hasher(16).of_many(together(texts)[rows])
    check(found, [texts[row] for row in rows.tolist()], 16, b"", b"")


@pytest.mark.parametrize(("size", "key", "person"), [(0, b"", b""), (65, b"", b""), (16, b"k" * 65, b"")])
def test_what_blake2b_has_not_is_refused(size: int, key: bytes, person: bytes) -> None:
    with pytest.raises(ValueError, match="no blake2b"):
        Hasher(size, key=key, person=person)
