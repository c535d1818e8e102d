"""The training set: captured inputs joined with the labels in force, in one order, under one name."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.evaluation.splits import least_of_card

from .window import Window

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER_MS: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Captured:
    """Inputs as they were when each payment was decided: ids and accounts (n,), times, matrix (n, d).

    ``amount_minor`` (n,): of the portfolio's currency.
    """

    tx_ids: pa.Array
    accounts: pa.Array
    event_ms: Integers
    amount_minor: Integers
    matrix: Floats


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """Labels (m,) in the order of the log: payment, when known, and whether it says fraud."""

    tx_ids: pa.Array
    known_at_ms: Integers
    is_fraud: Mask


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows in order of tx_id: n payments, d inputs. ``hash`` names the content, 64 hex digits.

    ``known_ms`` (n,) is when the account was first known to be compromised: the first moment at which one
    of its frauds among these payments was known, `NEVER_MS` where none is.
    """

    tx_ids: pa.Array
    accounts: pa.Array
    event_ms: Integers
    amount_minor: Integers
    matrix: Floats
    fraud: Mask
    known_ms: Integers
    hash: str

    @property
    def is_blocked(self) -> Mask:
        """Payments (n,) of accounts that were known to be compromised: a bank would have stopped them."""
        return self.known_ms <= self.event_ms

    def select(self, rows: Mask) -> TrainingSet:
        """The rows of a mask; they keep the name of the whole."""
        chosen = pa.array(rows)
        return TrainingSet(
            self.tx_ids.filter(chosen),
            self.accounts.filter(chosen),
            self.event_ms[rows],
            self.amount_minor[rows],
            self.matrix[rows],
            self.fraud[rows],
            self.known_ms[rows],
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
    frauds = _frauds(labels, as_of_ms)
    known_ms = np.array([frauds.get(tx_id, NEVER_MS) for tx_id in tx_ids.to_pylist()], dtype=np.int64)
    accounts = captured.accounts.take(pa.array(rows))
    event_ms, matrix = captured.event_ms[rows], np.ascontiguousarray(captured.matrix[rows])
    matrix[np.isnan(matrix)] = np.nan  # one bit pattern for missing, so that the name does not depend on it
    return TrainingSet(
        tx_ids=tx_ids,
        accounts=accounts,
        event_ms=event_ms,
        amount_minor=captured.amount_minor[rows],
        matrix=matrix,
        fraud=known_ms < NEVER_MS,
        known_ms=_first_of_account(accounts, known_ms),
        hash=_content_hash(tx_ids, event_ms, matrix, known_ms, names),
    )


def _first_of_account(accounts: pa.Array, known_ms: Integers) -> Integers:
    """The least ``known_ms`` (n,) of each row's account. A payment without an account is alone."""
    names = np.asarray(accounts.to_pylist(), dtype=object)
    return np.where(names == "", known_ms, least_of_card(names, known_ms))


def _frauds(labels: KnownLabels, as_of_ms: int) -> dict[str, int]:
    """Payments whose verdict in force is fraud, and when it was known.

    In force is the greatest known_at up to ``as_of_ms``, ties to the later.
    """
    known = np.flatnonzero(labels.known_at_ms <= as_of_ms)
    in_order = known[np.argsort(labels.known_at_ms[known], kind="stable")]
    tx_ids = labels.tx_ids.take(pa.array(in_order)).to_pylist()
    verdicts = zip(labels.is_fraud[in_order].tolist(), labels.known_at_ms[in_order].tolist(), strict=True)
    in_force = dict(zip(tx_ids, verdicts, strict=True))
    return {tx_id: known_at_ms for tx_id, (is_fraud, known_at_ms) in in_force.items() if is_fraud}


def _content_hash(
    tx_ids: pa.Array, event_ms: Integers, matrix: Floats, known_ms: Integers, names: tuple[str, ...]
) -> str:
    """blake2b-256 over names, ids (each behind its length), times, verdicts and inputs, little endian.

    A verdict of fraud is the moment when it was known.
    """
    lengths = np.asarray(pc.binary_length(tx_ids), dtype="<i4")
    content = blake2b(digest_size=32)
    for part in (
        "\x1f".join(names).encode(),
        len(tx_ids).to_bytes(8, "little"),
        lengths.tobytes(),
        "".join(tx_ids.to_pylist()).encode(),
        event_ms.astype("<i8").tobytes(),
        known_ms.astype("<i8").tobytes(),
        matrix.astype("<f8").tobytes(),
    ):
        content.update(len(part).to_bytes(8, "little"))
        content.update(part)
    return content.hexdigest()
