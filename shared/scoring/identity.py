"""Names and hashes of a batch's results."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import DecisionCore
from shared.contracts.texts import Texts
from shared.features.hashing import Digests, Hasher

HASH_BYTES: Final = 16

_PLAIN: Final = Hasher(HASH_BYTES)


class DecisionIds:
    """`contracts.ids.decision_id` for one portfolio."""

    def __init__(self, portfolio: str) -> None:
        self._hasher = Hasher(HASH_BYTES, prefix=f"{portfolio}\x1f".encode())

    def of_all(self, tx_ids: Texts) -> Digests:
        """blake2b-128 of (portfolio, tx_id) for n payments, their ids given in UTF-8: (n, 16)."""
        return self._hasher.of(tx_ids)


class PredictionIds:
    """`contracts.ids.prediction_id` for one model, feature set and lane."""

    def __init__(self, model: str, version: str, feature_set: str, lane: str) -> None:
        suffix = f"\x1f{model}\x1f{version}\x1f{feature_set}\x1f{lane}".encode()
        self._hasher = Hasher(HASH_BYTES, suffix=suffix)

    def of_all(self, tx_ids: Texts) -> Digests:
        """blake2b-128 of (tx_id, model, version, feature_set, lane) for n payments, as above: (n, 16)."""
        return self._hasher.of(tx_ids)


def core_bytes(core: DecisionCore) -> bytes:
    """The canonical bytes that `core_hash` hashes: everything of a decision but readings of this attempt."""
    return encode(core)


def core_hash(core: bytes) -> str:
    """blake2b-128 of a core's canonical bytes, 32 hex digits."""
    return blake2b(core, digest_size=HASH_BYTES).hexdigest()


def core_hashes(cores: Texts) -> Digests:
    """`core_hash` of each core, (n, 16)."""
    return _PLAIN.of(cores)


def vector_hashes(matrix: NDArray[np.float64]) -> Digests:
    """blake2b-128 of each row of ``matrix`` (n, d) as little-endian doubles, every NaN alike: (n, 16)."""
    # A missing value's sign and payload depend on the processor's way to it, and mean nothing.
    rows = np.where(np.isnan(matrix), np.nan, matrix).astype("<f8")
    ends = np.arange(len(rows) + 1, dtype=np.int64) * (rows.shape[1] * 8)
    return _PLAIN.of(Texts(rows.tobytes(), np.column_stack((ends[:-1], ends[1:]))))
