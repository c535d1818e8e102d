"""BLAKE2b of many texts at once: the bits of `hashlib.blake2b` without an object per text.

A payment is hashed six times on its way (its bytes, its record, its inputs, its decision, two ids); one call
for each was a tenth of its cost.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from shared.contracts.texts import Texts

from .kernels_hash import ACTIVE, BLOCK_BYTES, COUNT, IV, LANES, ROWS, H, M, Midway, compress, hash_rows

Words = NDArray[np.uint64]
Digests = NDArray[np.uint8]
"""(n, size): one digest a row."""

LONG_BYTES = 8_192
"""From this length on a text is hashed alone: in lanes, 63 short neighbours would wait for its blocks."""

FEW = 16
"""Up to this many texts are hashed one by one: the kernel's call alone costs as much."""

_PERSON_BYTES = 16
_LIMIT_BYTES = 64


class Hasher:
    """Hashes (prefix, text, suffix) as ``blake2b(..., digest_size, key, person)``; the prefix only once.

    Raises ValueError for a size outside 1..64 or a key or person too long (RFC 7693, 2.1 and 2.8).
    """

    def __init__(
        self, size: int, *, key: bytes = b"", person: bytes = b"", prefix: bytes = b"", suffix: bytes = b""
    ) -> None:
        if not 0 < size <= _LIMIT_BYTES or len(key) > _LIMIT_BYTES or len(person) > _PERSON_BYTES:
            raise ValueError(f"no blake2b of {size} bytes, key {len(key)}, person {len(person)}")
        h = IV.copy()
        h[0] ^= np.uint64(0x01010000 ^ (len(key) << 8) ^ size)
        h[6:] ^= np.frombuffer(person.ljust(_PERSON_BYTES, b"\0"), "<u8")
        self._size = size
        self._plain = blake2b(prefix, digest_size=size, key=key, person=person)
        self._begun = _begin(h, (key.ljust(BLOCK_BYTES, b"\0") if key else b"") + prefix)
        self._end = suffix
        self._suffix = np.frombuffer(suffix, np.uint8)
        self._room = _room()

    def of(self, texts: Texts) -> Digests:
        """The digests of n texts, (n, size)."""
        return self.of_few(texts) if len(texts) <= FEW else self.of_many(texts)

    def of_few(self, texts: Texts) -> Digests:
        """`of`, one by one."""
        digests = b"".join([self._alone(text) for text in texts.tolist()])
        return np.frombuffer(bytearray(digests), np.uint8).reshape(-1, self._size)

    def of_many(self, texts: Texts) -> Digests:
        """`of`, side by side."""
        found = np.empty((len(texts), 8), np.uint64)
        pool = np.frombuffer(texts.pool, np.uint8)
        bounds = texts.bounds
        long = np.flatnonzero(bounds[:, 1] - bounds[:, 0] >= LONG_BYTES)
        if len(long):
            bounds = bounds.copy()
            bounds[long] = 0
        hash_rows(self._begun, pool, bounds, self._suffix, *self._room, found)
        digests = np.ascontiguousarray(found.view(np.uint8)[:, : self._size])
        for row, text in zip(long.tolist(), texts[long].tolist(), strict=True):
            digests[row] = np.frombuffer(self._alone(text), np.uint8)
        return digests

    def _alone(self, text: bytes) -> bytes:
        plain = self._plain.copy()
        plain.update(text + self._end)
        return plain.digest()


def _room() -> tuple[Words, Words, NDArray[np.uint8]]:
    """Room for the kernel: lanes, a block, the same block as bytes."""
    block = np.empty(BLOCK_BYTES // 8, np.uint64)
    return np.zeros(ROWS * LANES, np.uint64), block, block.view(np.uint8)


def _begin(h: Words, prefix: bytes) -> Midway:
    """Full blocks are taken in, but for the last one: it may be the end of all."""
    count = max(len(prefix) - 1, 0) // BLOCK_BYTES * BLOCK_BYTES
    lanes = np.zeros((ROWS, LANES), np.uint64)
    lanes[H : H + 8, 0], lanes[ACTIVE, 0] = h, ~np.uint64(0)
    for start in range(0, count, BLOCK_BYTES):
        lanes[M : M + 16, 0] = np.frombuffer(prefix[start : start + BLOCK_BYTES], np.uint64)
        lanes[COUNT, 0] = start + BLOCK_BYTES
        compress(lanes.ravel())
    return Midway(lanes[H : H + 8, 0].copy(), count, np.frombuffer(prefix[count:], np.uint8))
