"""Captures hold every row of a batch, in its partition's order, as its reader then sees it."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.scorer.core import captures as module
from services.scorer.core.captures import NOTHING_TOLD, CaptureRows, Told, captures, joined_rows
from services.scorer.core.columns import columns_of
from services.scorer.core.intake import Item
from services.scorer.edge.trail import stretches
from shared.bus.ports import Taken
from shared.contracts.capture import CAPTURE_LIMIT_BYTES, KIND_LABEL, KIND_TRANSACTION, decode_capture

EPOCH, QUALITY, RELEASE_SEQ = 11, 2, 13
OTHER_NAN = struct.unpack("<d", (0xFFF8_0000_0000_0001).to_bytes(8, "little"))[0]
FLOAT = st.floats() | st.just(OTHER_NAN)
COUNT = st.integers(0, 2**53)
DIGEST = st.binary(min_size=16, max_size=16)
ENCODED = "vector", "raw", "score"

Row = dict[str, Any]


class Shape(NamedTuple):
    """Inputs, timelines and lanes of a batch."""

    features: int
    entities: int
    lanes: int


def row_of(shape: Shape) -> st.SearchStrategy[Row]:
    """A row as its capture holds it, decided or not, with its partition."""
    kinds = st.sampled_from([(1, True), (1, True), (1, False), (2, False), (3, False)])
    return kinds.flatmap(
        lambda kind: st.fixed_dictionaries(
            {
                "partition": st.sampled_from([0, 1, 2, 30]),
                "kind": st.just(kind[0]),
                "id": st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
                "offset": COUNT,
                "event_time_ms": COUNT,
                "ingest_time_ms": COUNT,
                "input_hash": DIGEST,
                "epoch": st.integers(0, 2**40),
                "versions": listed(st.integers(-1, 2**40), shape.entities),
                "repeats": st.lists(st.integers(0, 2**42), max_size=3),
                "vector": listed(FLOAT, shape.features) if kind[1] else st.none(),
                "release_seq": st.integers(0, 2**40),
                "raw": listed(FLOAT, shape.lanes if kind[1] else 0),
                "score": listed(FLOAT, shape.lanes if kind[1] else 0),
                "action": st.integers(0, 3) if kind[1] else st.none(),
                "state_quality": st.integers(0, 2),
                "amount_base_minor": COUNT,
                "mark_ms": COUNT,
                "core_hash": DIGEST if kind[1] else st.none(),
            }
        )
    )


def listed(value: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(value, min_size=size, max_size=size)


SHAPES = st.builds(Shape, st.integers(1, 4), st.integers(1, 3), st.integers(0, 3))
BATCHES = SHAPES.flatmap(
    lambda shape: st.tuples(st.just(shape), st.lists(row_of(shape), min_size=1, max_size=12))
)


def item_of(row: Row) -> Item:
    """The item that such a row is made of; captures ask nothing of its record."""
    taken = Taken("in", row["partition"], row["offset"], row["ingest_time_ms"], b"", b"raw")
    event_ms, amount, mark_ms = row["event_time_ms"], row["amount_base_minor"], row["mark_ms"]
    record = cast(Any, None)
    return Item(row["kind"], record, taken, b"raw", b"", row["id"], 0, 0, event_ms, amount, mark_ms, (), None)


def digests(found: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)


def told_of(decided: list[Row], lanes: int) -> Told:
    if not decided and not lanes:
        return NOTHING_TOLD
    raw, score = (
        np.array([row[name] for row in decided], np.float64).reshape(len(decided), lanes).T
        for name in ("raw", "score")
    )
    actions = np.array([row["action"] for row in decided], np.uint8)
    return Told(raw, score, actions, digests([row["core_hash"] for row in decided]))


def written(shape: Shape, *batches: list[Row]) -> list[tuple[int, bytes]]:
    """The messages of batches that go together."""
    found = joined_rows([rows_of(shape, rows) for rows in batches])
    return list(captures(found, *stretches(found.columns.partition)))


def rows_of(shape: Shape, rows: list[Row]) -> CaptureRows:
    """A batch. What is in the matrix of an undecided row means nothing, so it is noise."""
    items = [item_of(row) for row in rows]
    noise = [9.0] * shape.features
    return CaptureRows(
        items=items,
        columns=columns_of(items),
        input_hashes=digests([row["input_hash"] for row in rows]),
        epoch=np.array([row["epoch"] for row in rows], np.int64),
        quality=np.array([row["state_quality"] for row in rows], np.uint8),
        release_seq=np.array([row["release_seq"] for row in rows], np.int64),
        versions=np.array([row["versions"] for row in rows], np.int64),
        repeats=[row["repeats"] for row in rows],
        matrix=np.array([noise if row["vector"] is None else row["vector"] for row in rows], np.float64),
        decided=np.array([row["vector"] is not None for row in rows]),
        told=told_of([row for row in rows if row["vector"] is not None], shape.lanes),
    )


def comparable(row: Row) -> Row:
    """Numbers as their bits, so that every NaN and both zeros are told apart."""
    packed = {name: row[name] and struct.pack(f"<{len(row[name])}d", *row[name]) for name in ENCODED}
    return {name: value for name, value in {**row, **packed}.items() if name != "partition"}


def read(messages: list[tuple[int, bytes]], shape: Shape) -> dict[int, list[Row]]:
    """What a reader of captures sees of each partition, in the order of its messages."""
    seen: dict[int, list[Row]] = {}
    for partition, body in messages:
        found = decode_capture(body, shape.features, shape.entities).to_pylist()
        seen.setdefault(partition, []).extend(map(comparable, found))
    return seen


def expected(rows: list[Row]) -> dict[int, list[Row]]:
    plain: dict[int, list[Row]] = {}
    for row in rows:
        plain.setdefault(row["partition"], []).append(comparable(row))
    return plain


@settings(deadline=None, max_examples=50)  # many columns are drawn
@given(BATCHES)
def test_each_partition_has_one_message_with_its_rows_in_order(batch: tuple[Shape, list[Row]]) -> None:
    shape, rows = batch
    messages = written(shape, rows)
    assert [partition for partition, _ in messages] == sorted({row["partition"] for row in rows})
    assert read(messages, shape) == expected(rows)


@settings(deadline=None, max_examples=50)  # many columns are drawn
@given(BATCHES, st.lists(st.integers(0, 12), max_size=4))
def test_batches_that_go_together_are_one(batch: tuple[Shape, list[Row]], cuts: list[int]) -> None:
    shape, rows = batch
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [rows[start:stop] for start, stop in pairwise(edges) if start < stop]
    assert read(written(shape, *parts), shape) == expected(rows)
    assert len(written(shape, *parts)) == len(written(shape, rows))


@settings(deadline=None, max_examples=50)  # many columns are drawn
@given(BATCHES, st.integers(1, 6_000))
def test_messages_above_the_limit_are_split_and_lose_nothing(
    batch: tuple[Shape, list[Row]], limit: int
) -> None:
    shape, rows = batch
    wholes = dict(written(shape, rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CAPTURE_LIMIT_BYTES", limit)
        messages = written(shape, rows)
    assert read(messages, shape) == expected(rows)
    for partition, whole in wholes.items():
        bodies = [body for place, body in messages if place == partition]
        counts = [len(decode_capture(body, shape.features, shape.entities)) for body in bodies]
        assert all(len(body) <= limit or n == 1 for body, n in zip(bodies, counts, strict=True))
        assert (len(bodies) == 1) == (len(whole) <= limit or sum(counts) == 1)


def large(n: int, shape: Shape) -> list[Row]:
    """n rows of one partition, every third of them a label."""
    rows = []
    for i in range(n):
        is_payment = i % 3 > 0
        lanes = [i / 7 + lane for lane in range(shape.lanes)]
        row = {
            "partition": 5,
            "kind": KIND_TRANSACTION if is_payment else KIND_LABEL,
            "id": f"id-{i}",
            "offset": i,
            "event_time_ms": 1_000 + i,
            "ingest_time_ms": 2_000 + i,
            "input_hash": i.to_bytes(16, "big"),
            "epoch": EPOCH,
            "versions": [i + e for e in range(shape.entities)],
            "repeats": [i] if i % 100 == 0 else [],
            "vector": [i + d / 8 for d in range(shape.features)] if is_payment else None,
            "release_seq": RELEASE_SEQ,
            "raw": lanes if is_payment else [],
            "score": lanes[::-1] if is_payment else [],
            "action": i % 4 if is_payment else None,
            "state_quality": QUALITY,
            "amount_base_minor": 3_000 + i,
            "mark_ms": 4_000 + i,
            "core_hash": (i + 2**64).to_bytes(16, "big") if is_payment else None,
        }
        rows.append(row)
    return rows


def test_the_limit_of_the_contract_is_kept() -> None:
    shape = Shape(50, 3, 2)
    rows = large(3_000, shape)
    messages = written(shape, rows)
    sizes = [len(body) for _, body in messages]
    # Halves of halves: none is above the limit, and none is so small that it need not have been split.
    assert CAPTURE_LIMIT_BYTES / 3 < min(sizes) <= max(sizes) <= CAPTURE_LIMIT_BYTES
    assert read(messages, shape) == expected(rows)


def test_a_message_of_just_the_limit_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = Shape(5, 2, 1)
    rows = large(90, shape)
    [(_, whole)] = written(shape, rows)
    for limit, parts in ((len(whole), 1), (len(whole) - 1, 2)):
        monkeypatch.setattr(module, "CAPTURE_LIMIT_BYTES", limit)
        messages = written(shape, rows)
        assert len(messages) == parts
        assert read(messages, shape) == expected(rows)


def test_a_part_does_not_carry_the_rows_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = Shape(5, 2, 1)
    rows = large(300, shape)
    monkeypatch.setattr(module, "CAPTURE_LIMIT_BYTES", 1)
    messages = written(shape, rows)
    alone = [len(written(shape, [row])[0][1]) for row in rows]
    assert len(messages) == len(rows)
    # A part may keep the bitmaps that tell which of all rows are null: some bits a row, in three columns.
    assert all(len(body) <= size + 256 for (_, body), size in zip(messages, alone, strict=True))
    assert read(messages, shape) == expected(rows)
