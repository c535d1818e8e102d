"""The training set: captured inputs joined with the labels in force, in one order, under one name."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .window import Window

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Captured:
    """Inputs as they were when each payment was decided: ids and accounts (n,), times, matrix (n, d)."""

    tx_ids: pa.Array
    accounts: pa.Array
    event_ms: Integers
    matrix: Floats


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """Labels (m,) in the order of the log: payment, when known, and whether it says fraud."""

    tx_ids: pa.Array
    known_at_ms: Integers
    is_fraud: Mask


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows in order of tx_id: n payments, d inputs. ``hash`` names the content, 64 hex digits."""

    tx_ids: pa.Array
    accounts: pa.Array
    event_ms: Integers
    matrix: Floats
    fraud: Mask
    hash: str

    def select(self, rows: Mask) -> TrainingSet:
        """The rows of a mask; they keep the name of the whole."""
        chosen = pa.array(rows)
        return TrainingSet(
            self.tx_ids.filter(chosen),
            self.accounts.filter(chosen),
            self.event_ms[rows],
            self.matrix[rows],
            self.fraud[rows],
            self.hash,
        )


def build_set(
    captured: Captured, labels: KnownLabels, as_of_ms: int, window: Window, names: tuple[str, ...]
) -> TrainingSet:
    """Rows of the window with the verdict in force at ``as_of_ms``; without one a payment is genuine.

    The window ends a label delay before ``as_of_ms``, so every payment in it had time to be reported.
    Raises ValueError if a payment stands twice.
    """
    inside = (captured.event_ms >= window.from_ms) & (captured.event_ms < window.to_ms)
    tx_ids = captured.tx_ids.filter(pa.array(inside))
    order = np.asarray(pc.sort_indices(tx_ids), dtype=np.int64)
    tx_ids = tx_ids.take(pa.array(order))
    if len(pc.unique(tx_ids)) != len(tx_ids):
        raise ValueError("a payment stands twice among the captures")
    rows = np.flatnonzero(inside)[order]
    fraud = np.asarray(pc.is_in(tx_ids, value_set=_frauds(labels, as_of_ms)), dtype=np.bool_)
    event_ms, matrix = captured.event_ms[rows], np.ascontiguousarray(captured.matrix[rows])
    matrix[np.isnan(matrix)] = np.nan  # one bit pattern for missing, so that the name does not depend on it
    return TrainingSet(
        tx_ids=tx_ids,
        accounts=captured.accounts.take(pa.array(rows)),
        event_ms=event_ms,
        matrix=matrix,
        fraud=fraud,
        hash=_content_hash(tx_ids, event_ms, matrix, fraud, names),
    )


def _frauds(labels: KnownLabels, as_of_ms: int) -> pa.Array:
    """Payments whose verdict in force is fraud: greatest known_at up to ``as_of_ms``, ties to the later."""
    known = np.flatnonzero(labels.known_at_ms <= as_of_ms)
    in_order = known[np.argsort(labels.known_at_ms[known], kind="stable")]
    tx_ids = labels.tx_ids.take(pa.array(in_order)).to_pylist()
    in_force = dict(zip(tx_ids, labels.is_fraud[in_order].tolist(), strict=True))
    return pa.array([tx_id for tx_id, is_fraud in in_force.items() if is_fraud], pa.string())


def _content_hash(
    tx_ids: pa.Array, event_ms: Integers, matrix: Floats, fraud: Mask, names: tuple[str, ...]
) -> str:
    """blake2b-256 over names, ids (each behind its length), times, verdicts and inputs, little endian."""
    lengths = np.asarray(pc.binary_length(tx_ids), dtype="<i4")
    content = blake2b(digest_size=32)
    for part in (
        "\x1f".join(names).encode(),
        len(tx_ids).to_bytes(8, "little"),
        lengths.tobytes(),
        "".join(tx_ids.to_pylist()).encode(),
        event_ms.astype("<i8").tobytes(),
        fraud.astype("u1").tobytes(),
        matrix.astype("<f8").tobytes(),
    ):
        content.update(len(part).to_bytes(8, "little"))
        content.update(part)
    return content.hexdigest()
