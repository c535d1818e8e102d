"""Rows are added once, whatever is repeated, raced or broken in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from services.archiver.core.records import record_rows
from shared.contracts.codec import encode
from shared.stores.lake import Lake
from shared.stores.lake_away import LakeAway
from shared.stores.lake_commit import AT_AFTER_COMMIT, AT_BEFORE_COMMIT, LakeTable, Source
from shared.stores.lake_tables import table_card
from tests.support.lake_messages import DAY_MS, T0_MS, log_of, transaction

CARD = table_card("transactions")
SOURCE = Source("bank.transactions", 0)


def rows_of(first: int, last: int) -> pa.Table:
    """Payments ``first`` to ``last`` (not included), at the offsets of their numbers."""
    raw = [encode(transaction(i, T0_MS + i * DAY_MS // 4)) for i in range(first, last)]
    return record_rows(CARD, "bank", log_of("bank.transactions", raw, start=first))


def append(table: LakeTable, first: int, last: int) -> int:
    return table.append(rows_of(first, last), {SOURCE: last}, T0_MS)


def offsets(lake: Lake) -> list[int]:
    found: list[int] = DeltaTable(lake.uri(CARD)).to_pyarrow_table(columns=["offset"])["offset"].to_pylist()
    return sorted(found)


def data_files(lake: Lake) -> int:
    return len(list(Path(lake.uri(CARD)).rglob("*.parquet")))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_offsets_stand_with_the_rows(lake: Lake) -> None:
    table = lake.open(CARD)
    assert table.next_offset(SOURCE) is None
    assert append(table, 0, 10) == 10
    assert table.next_offset(SOURCE) == 10
    assert lake.open(CARD).next_offset(SOURCE) == 10
    assert offsets(lake) == list(range(10))


def test_the_same_rows_again_add_nothing(lake: Lake) -> None:
    table = lake.open(CARD)
    append(table, 0, 10)
    version = table.version
    assert append(table, 0, 10) == 0
    assert append(lake.open(CARD), 0, 10) == 0
    assert table.version == version
    assert append(table, 5, 15) == 5
    assert offsets(lake) == list(range(15))


def test_a_stale_handle_decides_again(lake: Lake) -> None:
    ours, theirs = lake.open(CARD), lake.open(CARD)
    append(theirs, 0, 10)
    assert append(ours, 0, 12) == 2
    assert append(theirs, 8, 20) == 8
    assert offsets(lake) == list(range(20))


def test_two_threads_with_one_handle_add_rows_once(lake: Lake) -> None:
    others: list[Thread] = []

    def reach(name: str) -> None:
        if name == AT_BEFORE_COMMIT and not others:
            others.append(Thread(target=append, args=(table, 0, 12)))
            others[0].start()
            others[0].join(0.3)  # long enough to commit, if nothing held it

    table = lake.open(CARD, reach)
    assert append(table, 0, 10) == 10
    others[0].join()
    assert offsets(lake) == list(range(12))


def test_a_commit_that_comes_between_decision_and_commit_is_seen(lake: Lake) -> None:
    others: list[Callable[[], int]] = []

    def reach(name: str) -> None:
        if name == AT_BEFORE_COMMIT and others:
            others.pop()()

    ours, theirs = lake.open(CARD, reach), lake.open(CARD)
    others.append(lambda: append(theirs, 0, 6))
    assert append(ours, 0, 10) == 4
    assert offsets(lake) == list(range(10))
    others.append(lambda: append(theirs, 10, 30))
    assert append(ours, 10, 20) == 0
    assert offsets(lake) == list(range(30))


def test_another_source_moves_on_its_own(lake: Lake) -> None:
    table, other = lake.open(CARD), Source("bank.transactions", 1)
    append(table, 0, 5)
    raw = [encode(transaction(i)) for i in range(3)]
    rows = record_rows(CARD, "bank", log_of("bank.transactions", raw, partition=1))
    assert table.append(rows, {other: 3}, T0_MS) == 3
    assert (table.next_offset(SOURCE), table.next_offset(other)) == (5, 3)


def test_a_commit_by_another_between_ours_and_our_reading_is_not_overlooked(lake: Lake) -> None:
    """The offsets kept in memory hold only while nobody else has committed."""
    theirs = lake.open(CARD)

    def reach(name: str) -> None:
        if name == AT_AFTER_COMMIT:
            append(theirs, 5, 9)

    ours = lake.open(CARD, reach)
    assert append(ours, 0, 5) == 5
    assert append(ours, 5, 9) == 0
    assert offsets(lake) == list(range(9))


def test_a_write_that_dies_leaves_nothing_to_see(lake: Lake, tmp_path: Path) -> None:
    class KilledError(BaseException):
        pass

    def die(name: str) -> None:
        if name == AT_BEFORE_COMMIT:
            raise KilledError

    with pytest.raises(KilledError):
        append(lake.open(CARD, die), 0, 10)
    assert data_files(lake) > 0
    assert offsets(lake) == []
    assert append(lake.open(CARD), 0, 10) == 10
    assert offsets(lake) == list(range(10))


def test_a_write_that_fails_half_way_takes_its_files_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.open(CARD)
    real, calls = pq.write_table, []

    def full(*args: object, **kwargs: object) -> None:
        calls.append(1)
        real(*args, **kwargs)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(LakeAway, match="No space left"):
        append(table, 0, 10)
    assert data_files(lake) == 0
    monkeypatch.undo()
    assert append(table, 0, 10) == 10


def test_a_commit_that_stands_although_it_reported_a_fault_keeps_its_files(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the checkpoint after the log's entry finds the disk full."""
    table = lake.open(CARD)
    real = DeltaTable.create_write_transaction

    def commit(*args: object, **kwargs: object) -> None:
        real(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", commit)
    assert append(table, 0, 10) == 10
    monkeypatch.undo()
    assert append(table, 0, 10) == 0
    assert offsets(lake) == list(range(10))


def test_a_table_gains_the_columns_that_its_record_gained(tmp_path: Path) -> None:
    old = pa.schema([f for f in CARD.columns if f.name not in ("channel", "load_id")])
    uri = str(tmp_path / "lake" / CARD.name)
    DeltaTable.create(uri, schema=old, partition_by=["portfolio", "event_day"])
    lake = Lake(tmp_path / "lake")
    assert append(lake.open(CARD), 0, 4) == 4
    assert set(DeltaTable(uri).to_pyarrow_table().column_names) == set(CARD.columns.names)
