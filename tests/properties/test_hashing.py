"""Hashes of many texts at once are those of hashlib, whatever the lengths."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.contracts.texts import together
from shared.features.hashing import Hasher

TEXT = st.one_of(st.binary(max_size=300), st.sampled_from([b"a" * 127, b"b" * 128, b"c" * 129, b"d" * 256]))


@settings(deadline=None)  # the first example compiles the kernel
@given(
    st.lists(TEXT, max_size=5),
    st.integers(1, 64),
    st.binary(max_size=64),
    st.binary(max_size=16),
    TEXT,
    TEXT,
)
@example([b"", b"x"], 16, b"k" * 64, b"", b"", b"")
@example([b""], 16, b"", b"", b"p" * 128, b"")
def test_each_digest_is_hashlibs(
    texts: list[bytes], size: int, key: bytes, person: bytes, prefix: bytes, suffix: bytes
) -> None:
    found = Hasher(size, key=key, person=person, prefix=prefix, suffix=suffix).of(together(texts))
    assert found.shape == (len(texts), size)
    for text, digest in zip(texts, found, strict=True):
        whole = prefix + text + suffix
        assert digest.tobytes() == blake2b(whole, digest_size=size, key=key, person=person).digest()


@pytest.mark.parametrize(("size", "key", "person"), [(0, b"", b""), (65, b"", b""), (16, b"k" * 65, b"")])
def test_what_blake2b_has_not_is_refused(size: int, key: bytes, person: bytes) -> None:
    with pytest.raises(ValueError, match="no blake2b"):
        Hasher(size, key=key, person=person)
