"""Capture messages become one row per appended record."""

from __future__ import annotations

import math

from services.archiver.core.capture_rows import capture_rows
from shared.contracts import headers
from shared.stores.lake_tables import table_card
from tests.support.lake_messages import CAPTURE_HEADERS, FakeMessage, capture_body

CARD = table_card("captures")


def message(offset: int, body: bytes, given: tuple[tuple[str, bytes], ...] = CAPTURE_HEADERS) -> FakeMessage:
    return FakeMessage("bank.captures", 1, offset, body, headers=given)


def test_rows_carry_both_coordinates() -> None:
    rows = capture_rows(CARD, "bank", [message(7, capture_body([4, 5])), message(8, capture_body([6]))])
    found = rows.select(["offset", "row", "input_topic", "input_partition", "input_offset", "id"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        (7, 0, "bank.transactions", 1, 4, "tx-000004"),
        (7, 1, "bank.transactions", 1, 5, "tx-000005"),
        (8, 0, "bank.transactions", 1, 6, "tx-000006"),
    ]


def test_vectors_and_versions_come_through_bit_for_bit() -> None:
    row = capture_rows(CARD, "bank", [message(0, capture_body([3], {3: [2**40 + 9]}))]).to_pylist()[0]
    assert row["vector"][:2] == [3.0, 3.5]
    assert math.isnan(row["vector"][2])
    assert row["versions"] == [3, -1]
    assert row["repeats"] == [2**40 + 9]
    assert (row["features"], row["entities"]) == (3, 2)


def test_bytes_that_are_no_capture_are_one_refused_row() -> None:
    good = capture_body([1])
    wrong_shape = ((headers.SHAPE, b"5,2"),)
    rows = capture_rows(
        CARD,
        "bank",
        [message(0, b"junk"), message(1, good), message(2, good[:-8]), message(3, good, wrong_shape)],
    ).to_pylist()
    assert [row["refused_reason"] is not None for row in rows] == [True, False, True, True]
    assert rows[0]["raw_bytes"] == b"junk"
    assert rows[1]["raw_bytes"] is None
