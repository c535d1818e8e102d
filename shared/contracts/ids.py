"""Deterministic ids and hashes: the same payment, model and lane always give the same id."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

KIND_TRANSACTION: Final = 1
KIND_LABEL: Final = 2
KIND_ACTIVITY: Final = 3


def decision_id(portfolio: str, tx_id: str) -> str:
    """blake2b-128 of (portfolio, tx_id), 32 hex digits."""
    return blake2b(f"{portfolio}\x1f{tx_id}".encode(), digest_size=16).hexdigest()


def prediction_id(tx_id: str, model: str, version: str, feature_set: str, lane: str) -> str:
    """blake2b-128 of (tx_id, model, version, feature_set, lane), 32 hex digits."""
    text = f"{tx_id}\x1f{model}\x1f{version}\x1f{feature_set}\x1f{lane}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def input_hash(raw: bytes) -> bytes:
    """blake2b-128 of a record's original bytes: 16 bytes."""
    return blake2b(raw, digest_size=16).digest()


def content_hash(data: bytes) -> str:
    """blake2b-256 of ``data``, 64 hex digits: names feature sets, layouts, releases."""
    return blake2b(data, digest_size=32).hexdigest()


def record_hash(key: bytes, kind: int, own_id: str) -> int:
    """Keyed 64-bit hash of (kind, own id), the identity of a record in a timeline.

    ``key`` is at most 64 bytes; the result is in [0, 2**64).
    """
    digest = blake2b(own_id.encode(), digest_size=8, key=key, person=bytes((kind,))).digest()
    return int.from_bytes(digest, "little")


def hash_text(key: bytes, text: str) -> int:
    """Keyed 64-bit hash of a text column (a device id, a payee id), in [0, 2**64)."""
    return record_hash(key, 0, text)
