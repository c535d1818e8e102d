"""The parity comparison: exact, by integer sums, swapped pairs, missing rows."""

from __future__ import annotations

import polars as pl

from services.cli.core.parity import compare
from shared.features.mapping import Parity, ParityColumn

PARITY = Parity(
    id_column="ID",
    id_prefix="tx-",
    columns=(
        ParityColumn(column="COUNT", feature="count"),
        ParityColumn(
            column="MEAN",
            feature="mean",
            compare="mean_of",
            count_column="COUNT",
            count_feature="count",
            scale=100,
        ),
    ),
)


def _ours(counts: list[float], means: list[float], accounts: list[str], times: list[int]) -> pl.DataFrame:
    ids = [f"tx-{i}" for i in range(len(counts))]
    return pl.DataFrame(
        {"tx_id": ids, "account_id": accounts, "event_time_ms": times, "count": counts, "mean": means}
    ).with_columns(amount_base_minor=pl.lit(100) * pl.int_range(1, pl.len() + 1))


def _theirs(counts: list[int], means: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"ID": list(range(len(counts))), "COUNT": counts, "MEAN": means})


def test_equal_within_the_noise_of_published_means() -> None:
    ours = _ours([1.0, 3.0], [1000.0, 1000 / 3], ["a", "b"], [0, 1000])
    report = compare(ours, _theirs([1, 3], [10.0 + 1e-12, 10 / 3 - 1e-13]), PARITY)
    assert report.is_equal
    assert (report.rows_compared, report.missing, report.differing_rows) == (2, 0, 0)
    assert [c.mismatches for c in report.columns] == [0, 0]


def test_one_cent_or_one_count_is_found() -> None:
    ours = _ours([1.0, 3.0, 2.0], [1001.0, 1000 / 3, 5.0], ["a", "b", "c"], [0, 0, 0])
    report = compare(ours, _theirs([1, 3, 3], [10.0, 10 / 3, 0.05]), PARITY)
    assert not report.is_equal
    assert {row.tx_id: row.columns for row in report.rows} == {"tx-0": ["MEAN"], "tx-2": ["COUNT", "MEAN"]}
    assert [(c.column, c.mismatches) for c in report.columns] == [("COUNT", 1), ("MEAN", 2)]


def test_a_same_second_pair_that_traded_places_is_told_apart() -> None:
    """Past sum 500 of 4 payments; amounts 100 and 200; we take tx-0 first, the reference tx-1."""
    accounts, times = ["a", "a", "b"], [5_000, 5_900, 5_000]
    ours = _ours([5.0, 6.0, 5.0], [600 / 5, 800 / 6, 100.0], accounts, times)
    report = compare(ours, _theirs([6, 5, 5], [8 / 6, 7 / 5, 1.0]), PARITY)
    assert report.is_equal
    assert report.swapped_rows == 2
    assert {row.tx_id: row.pair_with for row in report.rows} == {"tx-0": "tx-1", "tx-1": "tx-0"}
    assert [column.swapped for column in report.columns] == [2, 2]


def test_a_pair_with_another_past_is_a_fault() -> None:
    ours = _ours([5.0, 6.0], [601 / 5, 800 / 6], ["a", "a"], [5_000, 5_900])
    report = compare(ours, _theirs([6, 5], [8 / 6, 7 / 5]), PARITY)
    assert not report.is_equal
    assert report.swapped_rows == 0


def test_a_difference_in_another_second_is_no_pair() -> None:
    ours = _ours([2.0, 1.0], [100.0, 100.0], ["a", "a"], [5_000, 6_000])
    report = compare(ours, _theirs([1, 2], [1.0, 1.0]), PARITY)
    assert not report.is_equal
    assert report.swapped_rows == 0


def test_missing_captures_and_missing_values_are_faults() -> None:
    ours = _ours([1.0], [float("nan")], ["a"], [0])
    report = compare(ours, _theirs([1, 1], [1.0, 1.0]), PARITY)
    assert report.missing == 1
    assert report.columns[1].mismatches == 1
    assert not report.is_equal
