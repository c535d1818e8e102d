"""Files to tables in event order: kinds, order, period, rows that are none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from services.cli.core.source_rows import FILE, PAYMENT, ROW, read_rows
from services.cli.edge.errors import WrongUse
from services.cli.edge.source_files import Period, SourceFiles, find_files
from shared.features.mapping import ColumnMap, Lookup, Source

SOURCE = Source(
    fields={
        "currency": ColumnMap(constant="EUR"),
        "tx_id": ColumnMap(column="id"),
        "account_id": ColumnMap(column="acc"),
        "event_time_ms": ColumnMap(column="at"),
        "amount_minor": ColumnMap(column="amount", scale=100),
    }
)
START = datetime(2020, 1, 1)


def _table(first: int, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"t{i}" for i in range(first, first + count)],
            "acc": ["a"] * count,
            "at": [datetime(2020, 1, 1, i // 60, i % 60) for i in range(first, first + count)],
            "amount": [float(i) + 0.25 for i in range(first, first + count)],
        }
    )


def _ids(files: SourceFiles) -> list[str]:
    return [value for batch in files.batches() for value in batch["id"].to_list()]


def _open(*paths: Path, period: Period | None = None) -> SourceFiles:
    return SourceFiles(paths, SOURCE, with_labels=False, period=period or Period())


def test_sorted_files_stream_in_the_order_of_their_times(tmp_path: Path) -> None:
    _table(50, 50).write_parquet(tmp_path / "a.parquet")
    _table(0, 50).write_parquet(tmp_path / "b.parquet")
    files = _open(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert files.rows == 100
    assert _ids(files) == [f"t{i}" for i in range(100)]


def test_overlapping_and_unsorted_files_are_merged(tmp_path: Path) -> None:
    whole = _table(0, 60)
    whole[::2].reverse().write_parquet(tmp_path / "even.parquet")
    whole[1::2].write_parquet(tmp_path / "odd.parquet")
    assert _ids(_open(tmp_path / "even.parquet", tmp_path / "odd.parquet")) == [f"t{i}" for i in range(60)]


def test_the_period_keeps_row_numbers(tmp_path: Path) -> None:
    _table(0, 10).write_parquet(tmp_path / "a.parquet")
    from_ms = 1_577_836_800_000 + 3 * 60_000
    files = _open(tmp_path / "a.parquet", period=Period(from_ms, from_ms + 2 * 60_000))
    (batch,) = files.batches()
    assert batch["id"].to_list() == ["t3", "t4"]
    assert batch[ROW].to_list() == [4, 5]
    assert files.rows == 2


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_text_files_give_the_same_records(tmp_path: Path, kind: str) -> None:
    table = _table(0, 5).with_columns(pl.col("at").dt.to_string("%Y-%m-%d %H:%M:%S"))
    path = tmp_path / f"a.{kind}"
    table.write_csv(path) if kind == "csv" else table.write_ndjson(path)
    (batch,) = _open(path).batches()
    payments = read_rows(PAYMENT, SOURCE, batch)
    assert not payments.refused
    assert payments.table["value"][0] == (
        b'{"v":1,"tx_id":"t0","account_id":"a","event_time_ms":1577836800000,"amount_minor":25,"currency":"EUR"}'
    )


def test_bad_lines_of_csv_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [
        b"id,acc,at,amount",
        b"t1,a,2020-01-01 00:00:00,1.5",
        b"t2,a,2020-01-01 00:00:01",
        b"t3,\xff,2020-01-01 00:00:02,1",
        b"t4,a,yesterday,1",
        b"t5,a,2020-01-01 00:00:04,much",
        b"t6,a,2020-01-01T00:00:05Z,-1",
        b",a,2020-01-01 00:00:06,1",
        b"t8,a,1577836807000,2",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    files = _open(path)
    refused, good = list(files.refused), []
    for batch in files.batches():
        payments = read_rows(PAYMENT, SOURCE, batch)
        refused += payments.refused
        good += payments.table["id"].to_list()
    assert good == ["t1", "t8"]
    assert sorted((r.row, r.code, r.field) for r in refused) == [
        (2, "field_missing", ""),
        (3, "not_utf8", ""),
        (4, "field_type", "event_time_ms"),
        (5, "field_type", "amount_minor"),
        (6, "amount_negative", "amount_minor"),
        (7, "field_missing", "tx_id"),
    ]


def test_bad_lines_of_ndjson_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(
        b'{"id":"t1","acc":"a","at":1577836800000,"amount":1}\n'
        b"{broken\n\n"
        b'{"id":"t2","acc":"a","at":1577836801000,"amount":"x"}\n'
    )
    files = _open(path)
    (batch,) = files.batches()
    payments = read_rows(PAYMENT, SOURCE, batch)
    assert payments.table["id"].to_list() == ["t1"]
    assert [(r.row, r.code) for r in files.refused] == [(2, "not_json")]
    assert [(r.row, r.code) for r in payments.refused] == [(4, "field_type")]


def test_a_folder_leaves_out_what_holds_no_payments(tmp_path: Path) -> None:
    _table(0, 2).write_parquet(tmp_path / "a.parquet")
    _table(0, 2).write_parquet(tmp_path / "labels.parquet")
    pl.DataFrame({"other": [1]}).write_parquet(tmp_path / "reference.parquet")
    found, others = find_files(tmp_path, SOURCE)
    assert [path.name for path in found] == ["a.parquet"]
    assert [path.name for path in others] == ["labels.parquet", "reference.parquet"]


def test_what_cannot_be_read_at_all_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    pl.DataFrame({"at": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(WrongUse, match="cannot be read"):
        _open(tmp_path / "bad.parquet")
    with pytest.raises(WrongUse, match="lacks the column"):
        list(_open(tmp_path / "other.parquet").batches())
    with pytest.raises(WrongUse, match="There is no file"):
        find_files(tmp_path / "none.parquet", SOURCE)
    with pytest.raises(WrongUse, match=r"no \.parquet"):
        find_files(Path(__file__), SOURCE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongUse, match="holds no"):
        find_files(tmp_path / "empty", SOURCE)
    assert FILE


AT_HOME = Source(
    fields={**SOURCE.fields, "numbers.home": ColumnMap(column="home")},
    lookups=(Lookup(file="cards.csv", key="acc", columns=("home",)),),
)


def _at_home(path: Path) -> pl.DataFrame:
    (batch,) = SourceFiles([path], AT_HOME, with_labels=False, period=Period()).batches()
    rows = read_rows(PAYMENT, AT_HOME, batch)
    assert not rows.refused
    return rows.table


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_lookup_adds_its_columns_and_leaves_rows_as_they_are(tmp_path: Path, suffix: str) -> None:
    whole = _table(0, 4).with_columns(acc=pl.Series([7, 8, 9, 7]))
    path = tmp_path / f"payments.{suffix}"
    whole.write_parquet(path) if suffix == "parquet" else whole.write_csv(path)
    (tmp_path / "cards.csv").write_text("acc,home,job\n8,2.5,baker\n7,1.5,\n")
    values = [value.decode() for value in _at_home(path)["value"]]
    assert ['"numbers":{"home":1.5}' in value for value in values] == [True, False, False, True]
    assert '"numbers":{"home":2.5}' in values[1]
    assert "numbers" not in values[2]
    assert [f'"tx_id":"t{i}"' in value for i, value in enumerate(values)] == [True] * 4


def test_the_file_of_a_lookup_is_no_file_of_payments(tmp_path: Path) -> None:
    _table(0, 2).write_csv(tmp_path / "payments.csv")
    (tmp_path / "cards.csv").write_text("acc,home\na,1.5\n")
    assert find_files(tmp_path, AT_HOME) == ([tmp_path / "payments.csv"], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cards.csv cannot be read"),
        ("acc,house\na,1\n", "cards.csv lacks the column home"),
        ("acc,home\na,1\na,2\n", "cards.csv has the acc a more than once"),
    ],
)
def test_a_lookup_that_cannot_be_used_is_told(tmp_path: Path, text: str | None, said: str) -> None:
    _table(0, 2).write_csv(tmp_path / "payments.csv")
    if text is not None:
        (tmp_path / "cards.csv").write_text(text)
    with pytest.raises(WrongUse, match=said):
        _at_home(tmp_path / "payments.csv")
