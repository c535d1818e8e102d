"""Programs, feature sets and a shared log for tests of the fold: what a store would do, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.features.kinds import CODES, KINDS
from shared.features.layout import Layout
from shared.features.program import Program
from shared.features.timelines import Claim, FoldResult, Timelines
from shared.features.trimming import BASE_BYTES, WHOLE, Base, cut

from .oracle import Record, features_of, floors, reach_of, standing, vector

COLUMNS = (
    "kind",
    "entity",
    "stream",
    "window_ms",
    "offset_ms",
    "self",
    "column",
    "left",
    "right",
    "p0",
    "p1",
    "span_ms",
    "grain_ms",
)
_DEFAULTS = {"entity": -1, "column": -1, "left": -1, "right": -1}
_TYPES = dict(zip(COLUMNS, "i4 i4 i4 i8 i8 u1 i4 i4 i4 f8 f8 i8 i8".split(), strict=True))


BUCKET_MS = 7_000
"""In tests, in place of an hour."""


def program_of(features: Sequence[dict[str, Any]]) -> Program:
    """A program whose features name only what differs from nothing, and their kind by its name."""
    coded = [{**f, "kind": CODES[f["kind"]]} for f in features]
    return Program(*(np.array([f.get(c, _DEFAULTS.get(c, 0)) for f in coded], _TYPES[c]) for c in COLUMNS))


@dataclass(frozen=True)
class Features:
    """The part of a feature set that the fold reads."""

    program: Program
    layout: Layout = field(default_factory=Layout)
    entities: tuple[str, ...] = ("card", "terminal")
    lateness_ms: int = 10**9

    def keep(self, entity: int) -> int:
        """How far behind the newest payment a record of the entity is forgotten, ms."""
        return self._reach[entity] + self.lateness_ms

    @cached_property
    def _reach(self) -> list[int]:
        features = features_of(self.program)
        return [reach_of(features, entity) for entity in range(len(self.entities))]


def every_kind(entity: int) -> list[dict[str, Any]]:
    """Features of all timeline kinds over one entity, windows of seconds, with and without the row itself."""
    amounts = ("count", "sum", "mean", "std", "max", "min")
    ratios = ("ratio", "max_ratio")
    features: list[dict[str, Any]] = [
        {"kind": kind, "entity": entity, "window_ms": window, "self": own, "p0": 1.0}
        for kind in (*amounts, *ratios)
        for window, own in ((5_000, 0), (20_000, 1))
    ]
    features += [
        {"kind": "z", "entity": entity, "window_ms": 20_000, "p0": 1.0, "p1": 50.0},
        {"kind": "z", "entity": entity, "window_ms": 20_000, "p0": 0.0, "p1": 0.0, "self": 1},
        {"kind": "count", "entity": entity, "window_ms": 4_000, "offset_ms": 3_000},
        *_high_counts(entity),
        *_clean(entity),
        {"kind": "gap", "entity": entity, "window_ms": 60_000},
        {"kind": "gap", "entity": entity, "window_ms": 60_000, "stream": 2},
        {"kind": "activity_count", "entity": entity, "window_ms": 20_000, "stream": 2},
    ]
    columns = ("distinct", "first_pair", "pair_count", "pair_age", "pair_gap")
    features += [
        {"kind": kind, "entity": entity, "window_ms": 20_000, "column": 1, "stream": stream, "offset_ms": ago}
        for kind in columns
        for stream, ago in ((0, 0), (0, 2_000), (2, 0), (3, 0))
    ]
    features += [
        {"kind": kind, "entity": entity, "window_ms": w, "column": 1, "self": own, "p0": p0, "p1": 50.0}
        for kind, p0 in (("pair_sum", 0.0), ("pair_mean", 0.0), ("pair_ratio", 1.0), ("pair_z", 1.0))
        for w, own in ((20_000, 0), (60_000, 1))
    ]
    features += [
        {"kind": kind, "entity": entity, "window_ms": 60_000, "column": 2, "offset_ms": ago}
        for kind in ("moved", "speed")
        for ago in (0, 2_000)
    ]
    features += [{"kind": "distinct", "entity": entity, "window_ms": 60_000, "column": 1, "self": 1}]
    delayed = [kind.name for kind in KINDS.values() if kind.delayed]
    features += [
        {"kind": k, "entity": entity, "stream": 1, "window_ms": w, "offset_ms": o, "p0": p, "p1": 2 * p}
        for k in delayed
        for w, o, p in ((10_000, 3_000, 0.0), (60_000, 0, 0.016))
    ]
    return [*features, *_in_buckets(features)]


def _in_buckets(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every kind once more over buckets, where it has a window as long, with and without offset."""
    long = [f for f in features if f["window_ms"] >= BUCKET_MS]
    chosen = {(f["kind"], f.get("stream", 0), f.get("offset_ms", 0) > 0, f.get("self", 0)): f for f in long}
    return [{**f, "grain_ms": BUCKET_MS} for f in chosen.values()]


def _high_counts(entity: int) -> list[dict[str, Any]]:
    """Windows that grow, then a shorter one: a pass that went on would have gone too far for it."""
    usual = {"kind": "high_count", "entity": entity, "p0": 1.5, "p1": 1.0, "span_ms": 8_000}
    other = {"kind": "high_count", "entity": entity, "p0": 1.0, "p1": 0.0, "span_ms": 3_000}
    return [
        *({**usual, "window_ms": window} for window in (5_000, 20_000, 10_000)),
        {**other, "window_ms": 60_000, "offset_ms": 1_000},
    ]


def _clean(entity: int) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "entity": entity, "window_ms": w, "self": own, "span_ms": delay, "p0": p0, "p1": p1}
        for kind, p0, p1 in (("clean_ratio", 1.0, 0.0), ("clean_z", 0.0, 50.0), ("clean_z", 1.0, 0.0))
        for w, own, delay in ((20_000, 0, 3_000), (20_000, 1, 0), (2_000, 0, 3_000))
    ]


def full_program() -> Program:
    """Every kind over two entities, and arithmetic of the first few."""
    features = [{"kind": "value"}, *every_kind(0), *every_kind(1)]
    arithmetic = [kind.name for kind in KINDS.values() if kind.operands]
    return program_of([*features, *({"kind": k, "left": 1, "right": 2} for k in arithmetic)])


def encode(records: Sequence[Record], layout: Layout) -> NDArray[Any]:
    """Rows of the layout."""
    rows = np.zeros(len(records), layout.dtype)
    for row, r in zip(rows, records, strict=True):
        for name, value in (("t", r.time), ("a", r.amount), ("id", r.id), ("ref", r.ref)):
            row[name] = value
        row["kind"], row["verdict"], row["body"] = r.kind, r.verdict, r.body
        for position, value in enumerate(r.extra):
            row[f"x{position}"] = value
    return rows


Ids = tuple[str | None, ...]


@dataclass
class Logs:
    """The logs of all entities, as every worker shares them."""

    features: Features
    logs: dict[bytes, list[Record]] = field(default_factory=dict)
    bases: dict[bytes, Base] = field(default_factory=dict)

    def key(self, entity: int, entity_id: str) -> bytes:
        """The name of a timeline."""
        return f"{entity}/{entity_id}".encode()

    def log(self, entity: int, entity_id: str | None) -> list[Record] | None:
        """The records of a timeline so far, None without an id."""
        return None if entity_id is None else self.logs.setdefault(self.key(entity, entity_id), [])

    def append(self, claim: Claim, records: Sequence[Record]) -> tuple[list[int], bytes]:
        """What the store's one call does with a claim, while no log was trimmed."""
        starts, unseen, bases = self.ask(claim, records)
        assert not bases
        return starts, unseen

    def ask(self, claim: Claim, records: Sequence[Record]) -> tuple[list[int], bytes, bytes]:
        """What the store's one call does with a claim: starts, unseen, bases."""
        starts, unseen, bases, at = [], [], [], 0
        for key, known, count in zip(claim.keys, claim.known, claim.counts, strict=True):
            log, base = self.logs.setdefault(key, []), self.bases.get(key, WHOLE)
            starts.append(len(log))
            unseen.append(encode(log[max(known, base.index) :], self.features.layout).tobytes())
            bases.append(base.encode() if known < base.index else bytes(BASE_BYTES))
            log.extend(records[i] for i in claim.order[at : at + count])
            at += count
        told = b"".join(bases)
        return starts, b"".join(unseen), told if any(told) else b""

    def trim(self) -> None:
        """Cut every log: its first records are told to nobody from now on, and stay for the oracle."""
        for key, log in self.logs.items():
            base, keep = self.bases.get(key, WHOLE), self.features.keep(int(key[:1]))
            self.bases[key] = cut(encode(log[base.index :], self.features.layout), base, keep, least=1)

    def by_another(self, records: Sequence[Record], ids: Sequence[Ids]) -> None:
        """Another worker appends."""
        for record, names in zip(records, ids, strict=True):
            for entity, entity_id in enumerate(names):
                log = self.log(entity, entity_id)
                if log is not None:
                    log.append(record)

    def fold(
        self, timelines: Timelines, records: Sequence[Record], ids: Sequence[Ids], kept: Any = None
    ) -> FoldResult:
        """Claim, append, fold."""
        claim = timelines.claim(ids, kept)
        starts, unseen, bases = self.ask(claim, records)
        rows = encode(records, self.features.layout)
        return timelines.fold(claim, rows, starts, unseen, bases=bases)

    def check(self, result: FoldResult, records: Sequence[Record], ids: Sequence[Ids]) -> None:
        """Compare a result with the oracle: versions, conflicts, and every payment's features to the bit."""
        for i, (record, names) in enumerate(zip(records, ids, strict=True)):
            logs = [self.log(entity, entity_id) for entity, entity_id in enumerate(names)]
            versions = result.versions[i].tolist()
            again = {entity: index for row, entity, index in result.repeats if row == i}
            at = [again.get(entity, version) for entity, version in enumerate(versions)]
            for entity, log in enumerate(logs):
                assert versions[entity] == self._version(entity, log, at[entity])
                assert log is None or log[at[entity]] == record
            copies = [self._first(entity, log, at[entity]) for entity, log in enumerate(logs)]
            assert bool(result.conflicts[i]) == any(r is not None and r.body != record.body for r in copies)
            if record.kind != 1:
                assert np.isnan(result.matrix[i]).all()
            elif not result.conflicts[i]:
                expected = np.array(
                    vector(
                        self.features.program,
                        logs,
                        [v if v >= -1 else -v - 3 for v in versions],
                        [
                            copy if copy is not None and v >= 0 else record
                            for copy, v in zip(copies, versions, strict=True)
                        ],
                        self.features.lateness_ms,
                        [index + 1 for index in at],
                        [v < -1 for v in versions],
                    )
                )
                assert_same_bits(result.matrix[i], expected)

    def _first(self, entity: int, log: Sequence[Record] | None, at: int) -> Record | None:
        """The first copy of the record at index ``at``."""
        return None if log is None else log[standing(log, self.features.keep(entity))[1][at]]

    def _version(self, entity: int, log: Sequence[Record] | None, at: int) -> int:
        """What the record at index ``at`` has for its version."""
        if log is None:
            return -1
        keep = self.features.keep(entity)
        first = standing(log, keep)[1][at]
        reach = keep - self.features.lateness_ms
        is_cut = log[at].kind == 1 and first != at and log[first].time - reach < floors(log, keep)[at]
        return -2 - (at + 1) if is_cut else first


def assert_same_bits(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Equal to the bit, any NaN being NaN."""
    same = (found.view(np.int64) == expected.view(np.int64)) | (np.isnan(found) & np.isnan(expected))
    wrong = np.flatnonzero(~same)
    assert not len(wrong), [(int(k), float(found[k]), float(expected[k])) for k in wrong[:5]]
