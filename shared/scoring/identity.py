"""Names and hashes of results, and a decision's bytes put together from its core's bytes."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import DecisionCore


class _Tail(Struct, frozen=True, kw_only=True):
    """The fields that `Decision` adds to its core, in the same order."""

    core_hash: str
    partition: int
    offset: int
    ingest_time_ms: int
    decided_at_ms: int
    worker: str
    caller: str
    gateway: str


class DecisionIds:
    """Ids of a portfolio's decisions; the same as `contracts.ids.decision_id`, cheaper by the row."""

    def __init__(self, portfolio: str) -> None:
        self._prefix = f"{portfolio}\x1f".encode()

    def of(self, tx_id: str) -> str:
        """blake2b-128 of (portfolio, tx_id), 32 hex digits."""
        return blake2b(self._prefix + tx_id.encode(), digest_size=16).hexdigest()


class PredictionIds:
    """Ids of one lane's predictions; the same as `contracts.ids.prediction_id`, cheaper by the row."""

    def __init__(self, model: str, version: str, feature_set: str, lane: str) -> None:
        self._suffix = f"\x1f{model}\x1f{version}\x1f{feature_set}\x1f{lane}".encode()

    def of(self, tx_id: str) -> str:
        """blake2b-128 of (tx_id, model, version, feature_set, lane), 32 hex digits."""
        return blake2b(tx_id.encode() + self._suffix, digest_size=16).hexdigest()


def core_bytes(core: DecisionCore) -> bytes:
    """The core's canonical bytes. ``core`` is a `DecisionCore` itself, not a `Decision`."""
    return encode(core)


def core_hash(core: bytes) -> str:
    """blake2b-128 of the core's bytes, 32 hex digits."""
    return blake2b(core, digest_size=16).hexdigest()


def decision_bytes(
    core: bytes,
    core_hash: str,
    *,
    partition: int,
    offset: int,
    ingest_time_ms: int,
    decided_at_ms: int,
    worker: str,
    caller: str,
    gateway: str,
) -> bytes:
    """The whole decision's canonical bytes: equal to ``encode`` of the `Decision` with these fields.

    ``core`` is what `core_bytes` gave, and is not encoded a second time.
    """
    tail = _Tail(
        core_hash=core_hash,
        partition=partition,
        offset=offset,
        ingest_time_ms=ingest_time_ms,
        decided_at_ms=decided_at_ms,
        worker=worker,
        caller=caller,
        gateway=gateway,
    )
    return core[:-1] + b"," + encode(tail)[1:]


def vector_hashes(matrix: NDArray[np.float64]) -> list[str]:
    """blake2b-128 (hex) of each row of ``matrix`` (n, d) as little-endian doubles, every NaN alike."""
    # A missing value's sign and payload depend on the processor's way to it, and mean nothing.
    rows = np.where(np.isnan(matrix), np.nan, matrix).astype("<f8")
    body, size = rows.tobytes(), rows.shape[1] * 8
    return [blake2b(body[i : i + size], digest_size=16).hexdigest() for i in range(0, len(rows) * size, size)]
