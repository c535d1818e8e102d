"""Payments of captures, sampled by window: those whose ids hash lowest, so that a second reading takes the
same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.contracts import capture, headers
from shared.contracts.places import Place

from .reading import Message

Reals = NDArray[np.float64]

REFUSED: Final = "field_type"
"""Reason code of a capture whose bytes do not fit its shape header."""


class Sample(NamedTuple):
    """n payments scored under one release: vectors (n, d), the champion's calibrated scores (n,), NaN is
    none."""

    vectors: Reals
    scores: Reals


class Group(NamedTuple):
    """What is sampled together: the window's start, the release, and the number d of inputs."""

    window_ms: int
    release_seq: int
    features: int


@dataclass(slots=True)
class Lowest:
    """The rows of the ``limit`` lowest hashes, each hash once."""

    limit: int
    hashes: list[NDArray[np.uint64]] = field(default_factory=list)
    rows: list[Reals] = field(default_factory=list)
    held: int = 0

    def add(self, hashes: NDArray[np.uint64], rows: Reals) -> None:
        """Take in ``rows`` (n, k) of ``hashes`` (n,)."""
        self.hashes.append(hashes)
        self.rows.append(rows)
        self.held += len(hashes)
        if self.held > 2 * self.limit:
            self.trim()

    def trim(self) -> Reals:
        """Keep only what counts; the rows (m, k) in order of hash."""
        hashes, first = np.unique(np.concatenate(self.hashes), return_index=True)
        rows: Reals = np.concatenate(self.rows)[first[: self.limit]]
        self.hashes, self.rows, self.held = [hashes[: self.limit]], [rows], len(rows)
        return rows


@dataclass(slots=True)
class Sampler:
    """The open windows of ``width_ms``, each with at most ``limit`` payments of a release.

    ``firsts`` is the offset of the first message of each open window, by place: from there a later process
    must read again. ``closed_ms`` is where the last closed window ended.
    """

    width_ms: int
    limit: int
    open: dict[Group, Lowest] = field(default_factory=dict)
    firsts: dict[int, dict[Place, int]] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    last_ms: dict[Place, int] = field(default_factory=dict)
    closed_ms: int = 0
    late: int = 0

    def add(self, place: Place, messages: Sequence[Message], offsets: Sequence[int]) -> dict[str, int]:
        """Take in ``messages`` of ``place`` in the order of their ``offsets``; how many were refused, by
        code."""
        refused = 0
        for message, offset in zip(messages, offsets, strict=True):
            window_ms = message.timestamp - message.timestamp % self.width_ms
            self.ends[place] = offset + 1
            self.last_ms[place] = max(self.last_ms.get(place, 0), message.timestamp)
            if window_ms < self.closed_ms:
                self.late += 1
                continue
            self.firsts.setdefault(window_ms, {}).setdefault(place, offset)
            try:
                self._take(window_ms, message)
            except ValueError:
                refused += 1
        return {REFUSED: refused} if refused else {}

    def due(self, now_ms: int, behind: Mapping[Place, bool], grace_ms: int) -> list[int]:
        """Windows that nothing can come to any more: over for ``grace_ms``, and every place has passed them.

        ``behind`` says of each place whether it has records that were not taken.
        """
        over = [start for start in self.firsts if start + self.width_ms + grace_ms <= now_ms]
        return sorted(
            start
            for start in over
            if not any(
                late and self.last_ms.get(place, 0) < start + self.width_ms for place, late in behind.items()
            )
        )

    def read(self, window_ms: int) -> dict[int, Sample]:
        """The samples of a window, by release. It stays open until `close`."""
        found: dict[int, Sample] = {}
        for group, lowest in self.open.items():
            if group.window_ms == window_ms:
                rows = lowest.trim()
                found[group.release_seq] = Sample(rows[:, :-1], rows[:, -1])
        return found

    def kept_from(self, without_ms: int) -> dict[Place, int]:
        """Where a later process must begin, by place, once the window ``without_ms`` is closed."""
        found = dict(self.ends)
        for window_ms, firsts in self.firsts.items():
            if window_ms != without_ms:
                for place, offset in firsts.items():
                    found[place] = min(found[place], offset)
        return found

    def close(self, window_ms: int) -> None:
        """Forget the window; what comes for it later is counted as late."""
        self.firsts.pop(window_ms, None)
        self.open = {group: kept for group, kept in self.open.items() if group.window_ms != window_ms}
        self.closed_ms = max(self.closed_ms, window_ms + self.width_ms)

    def _take(self, window_ms: int, message: Message) -> None:
        batch = _payments(message)
        if batch.num_rows == 0:
            return
        features = batch.schema.field("vector").type.list_size
        hashes = np.array([_hash(text) for text in batch.column("id").to_pylist()], np.uint64)
        rows = np.column_stack([_vectors(batch, features), _scores(batch)])
        releases = batch.column("release_seq").to_numpy()
        for seq in np.unique(releases).tolist():
            mine = releases == seq
            group = Group(window_ms, seq, features)
            self.open.setdefault(group, Lowest(self.limit)).add(hashes[mine], rows[mine])


def _payments(message: Message) -> Any:
    """The payments of a capture. Raises ValueError if it is none."""
    shape = dict(message.headers).get(headers.SHAPE, b"").split(b",")
    features, entities = (int(number) for number in shape)
    if not (0 < features <= capture.CAPTURE_LIMIT_BYTES and 0 <= entities <= capture.CAPTURE_LIMIT_BYTES):
        raise ValueError("no shape")
    batch = capture.decode_capture(message.value or b"", features, entities)
    return batch.filter(
        pc.and_(pc.equal(batch["kind"], capture.KIND_TRANSACTION), pc.is_valid(batch["vector"]))
    )


def _vectors(batch: Any, features: int) -> Reals:
    flat: Reals = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(batch.num_rows, features)


def _scores(batch: Any) -> Reals:
    """The champion's, who comes first; NaN where no model was asked."""
    scores = batch.column("score")
    asked = pc.greater(pc.list_value_length(scores), 0).to_numpy(zero_copy_only=False)
    found = np.full(batch.num_rows, np.nan)
    found[asked] = pc.list_element(scores.filter(pa.array(asked)), 0).to_numpy(zero_copy_only=False)
    return found


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
