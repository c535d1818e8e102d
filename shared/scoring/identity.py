"""Names and hashes of results."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import DecisionCore

Digests = NDArray[np.uint8]
"""(n, 16): one digest of 16 bytes a row."""


class DecisionIds:
    """Ids of a portfolio's decisions; the same as `contracts.ids.decision_id`, cheaper by the row."""

    def __init__(self, portfolio: str) -> None:
        self._prefix = f"{portfolio}\x1f".encode()

    def of_all(self, tx_ids: Sequence[bytes]) -> Digests:
        """blake2b-128 of (portfolio, tx_id) for n payments, their ids given in UTF-8: (n, 16)."""
        prefix = self._prefix
        return _together([blake2b(prefix + tx_id, digest_size=16).digest() for tx_id in tx_ids])


class PredictionIds:
    """Ids of one lane's predictions; the same as `contracts.ids.prediction_id`, cheaper by the row."""

    def __init__(self, model: str, version: str, feature_set: str, lane: str) -> None:
        self._suffix = f"\x1f{model}\x1f{version}\x1f{feature_set}\x1f{lane}".encode()

    def of_all(self, tx_ids: Sequence[bytes]) -> Digests:
        """blake2b-128 of (tx_id, model, version, feature_set, lane) for n payments, as above: (n, 16)."""
        suffix = self._suffix
        return _together([blake2b(tx_id + suffix, digest_size=16).digest() for tx_id in tx_ids])


def core_bytes(core: DecisionCore) -> bytes:
    """The core's canonical bytes. ``core`` is a `DecisionCore` itself, not a `Decision`."""
    return encode(core)


def core_hash(core: bytes) -> str:
    """blake2b-128 of the core's bytes, 32 hex digits."""
    return blake2b(core, digest_size=16).hexdigest()


def core_hashes(cores: Sequence[bytes]) -> Digests:
    """`core_hash` of each core, (n, 16)."""
    return _together([blake2b(core, digest_size=16).digest() for core in cores])


def vector_hashes(matrix: NDArray[np.float64]) -> Digests:
    """blake2b-128 of each row of ``matrix`` (n, d) as little-endian doubles, every NaN alike: (n, 16)."""
    # A missing value's sign and payload depend on the processor's way to it, and mean nothing.
    rows = np.where(np.isnan(matrix), np.nan, matrix).astype("<f8")
    body, size = rows.tobytes(), rows.shape[1] * 8
    starts = range(0, len(rows) * size, size)
    return _together([blake2b(body[i : i + size], digest_size=16).digest() for i in starts])


def _together(digests: list[bytes]) -> Digests:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), 16)
