"""Merging keeps every row, takes like sizes together, and never does the same work twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from services.archiver.core.records import record_rows
from shared.contracts.codec import encode
from shared.stores.lake import Lake
from shared.stores.lake_commit import Source
from shared.stores.lake_compact import CompactionLimits, Compactor, DataFile, next_merge
from shared.stores.lake_tables import table_card
from tests.support.lake_messages import T0_MS, log_of, transaction

CARD = table_card("transactions")
SOURCE = Source("bank.transactions", 0)
LIMITS = CompactionLimits(tier_files=4, full_bytes=1_000_000, merge_bytes=2_000_000, quiet_ms=60_000)
NOW_MS = T0_MS + 10_000


def file_of(size_bytes: int, at_ms: int = T0_MS, day: int = 1) -> DataFile:
    return DataFile(f"{day}/{size_bytes}/{at_ms}", size_bytes, at_ms, "bank", date(2024, 1, day))


def test_few_or_unlike_files_of_a_live_day_are_left() -> None:
    assert next_merge([file_of(1_000 + i) for i in range(3)], NOW_MS, LIMITS) == []
    assert next_merge([file_of(70_000 * 4**i) for i in range(4)], NOW_MS, LIMITS) == []


def test_files_of_like_size_are_merged_once_there_are_enough() -> None:
    small = [file_of(1_000 + i) for i in range(5)]
    assert set(next_merge([*small, file_of(500_000)], NOW_MS, LIMITS)) == set(small)


def test_a_quiet_day_is_merged_whole_but_for_full_files() -> None:
    files = [file_of(1_000), file_of(400_000), file_of(1_000_000)]
    assert set(next_merge(files, T0_MS + 60_000, LIMITS)) == set(files[:2])
    assert next_merge(files[1:], T0_MS + 60_000, LIMITS) == []


@given(st.lists(st.tuples(st.integers(1, 3_000_000), st.integers(1, 3)), max_size=60), st.integers(0, 10**6))
def test_a_merge_is_of_one_day_and_within_its_bound(found: list[tuple[int, int]], later_ms: int) -> None:
    files = [file_of(size, T0_MS + i, day) for i, (size, day) in enumerate(found)]
    merge = next_merge(files, T0_MS + later_ms, LIMITS)
    assert len(merge) != 1
    assert len({f.day for f in merge}) <= 1
    assert sum(f.size_bytes for f in merge) <= LIMITS.merge_bytes
    assert all(f.size_bytes < LIMITS.full_bytes for f in merge)


@given(st.lists(st.integers(1, 2_000_000), max_size=40))
def test_merging_comes_to_an_end(sizes: list[int]) -> None:
    files = [file_of(size, T0_MS + i) for i, size in enumerate(sizes)]
    for rounds in range(60):
        merge = next_merge(files, T0_MS + 10**6, LIMITS)
        if not merge:
            break
        files = [f for f in files if f not in merge]
        files.append(file_of(sum(f.size_bytes for f in merge), T0_MS + 1_000 + rounds))
    assert next_merge(files, T0_MS + 10**6, LIMITS) == []


def filled(lake: Lake, writes: int) -> None:
    table = lake.open(CARD)
    for i in range(writes):
        raw = [encode(transaction(i * 3 + k)) for k in range(3)]
        rows = record_rows(CARD, "bank", log_of("bank.transactions", raw, start=i * 3))
        table.append(rows, {SOURCE: i * 3 + 3}, T0_MS)


def rows_of(lake: Lake) -> list[dict[str, object]]:
    found: list[dict[str, object]] = DeltaTable(lake.uri(CARD)).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: str(row["tx_id"]))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def compactor(lake: Lake) -> Compactor:
    return Compactor(lake.handle(CARD), CARD, limits=LIMITS)


def test_merging_keeps_every_row_and_its_offset(lake: Lake) -> None:
    filled(lake, 6)
    before = rows_of(lake)
    assert compactor(lake).merge_once(NOW_MS) == 6
    assert rows_of(lake) == before
    assert len(DeltaTable(lake.uri(CARD)).file_uris()) == 1
    assert lake.open(CARD).next_offset(SOURCE) == 18
    assert compactor(lake).merge_once(NOW_MS) == 0


def test_appends_go_on_while_a_merge_is_under_way(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(lake, 6)
    table, ours = lake.open(CARD), compactor(lake)
    real = Compactor._read

    def read(self: Compactor, merge: object) -> object:
        raw = [encode(transaction(18))]
        table.append(
            record_rows(CARD, "bank", log_of("bank.transactions", raw, start=18)), {SOURCE: 19}, T0_MS
        )
        return real(self, merge)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(Compactor, "_read", read)
    assert ours.merge_once(NOW_MS) == 6
    assert [row["offset"] for row in rows_of(lake)] == list(range(19))
    raw = [encode(transaction(19))]
    rows = record_rows(CARD, "bank", log_of("bank.transactions", raw, start=19))
    assert table.append(rows, {SOURCE: 20}, T0_MS) == 1
    assert table.append(rows, {SOURCE: 20}, T0_MS) == 0


def test_two_merges_of_the_same_files_double_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(lake, 6)
    first, second = compactor(lake), compactor(lake)
    real = Compactor._read

    def read(self: Compactor, merge: object) -> object:
        monkeypatch.setattr(Compactor, "_read", real)
        assert first.merge_once(NOW_MS) == 6
        return real(self, merge)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(Compactor, "_read", read)
    assert second.merge_once(NOW_MS) == 0
    assert [row["offset"] for row in rows_of(lake)] == list(range(18))


def test_the_sweep_leaves_what_is_young_and_what_is_named(lake: Lake) -> None:
    filled(lake, 6)
    ours = compactor(lake)
    ours.merge_once(NOW_MS)
    ours.sweep(24)
    assert [row["offset"] for row in rows_of(lake)] == list(range(18))
