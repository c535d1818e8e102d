"""The one reader: the first of every duplicate, wide captures, labels as known, and the log again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from services.archiver.core.capture_rows import capture_rows
from services.archiver.core.records import record_rows
from shared.contracts.codec import encode
from shared.contracts.ids import input_hash
from shared.stores.lake import Lake
from shared.stores.lake_commit import Source
from shared.stores.lake_compact import CompactionLimits, Compactor
from shared.stores.lake_files import ROWS_PER_GROUP
from shared.stores.lake_log import log_entries
from shared.stores.lake_read import LakeReader
from shared.stores.lake_scan import Range, day_of
from shared.stores.lake_tables import table_card
from tests.support.lake_messages import (
    DAY_MS,
    T0_MS,
    capture_body,
    decision,
    label,
    log_of,
    transaction,
)

Put = Callable[..., None]
NAMES = ("a", "b", "c")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Adds messages to a table: ``put(table, values, partition=0, start=0)``."""
    lake = Lake(tmp_path)

    def add(table: str, values: Sequence[bytes], partition: int = 0, start: int = 0) -> None:
        card = table_card(table)
        topic = f"bank.{card.topic}"
        make = capture_rows if card.record is None else record_rows
        rows = make(card, "bank", log_of(topic, values, partition, start))
        lake.open(card).append(rows, {Source(topic, partition): start + len(values)}, T0_MS)

    return add


@pytest.fixture
def reader(tmp_path: Path) -> LakeReader:
    return LakeReader(tmp_path)


def test_an_empty_lake_has_no_rows(reader: LakeReader) -> None:
    assert reader.version("decisions") is None
    assert reader.decisions("bank").height == 0
    assert reader.decision_by_tx("bank", "tx-000001") is None
    assert reader.captures_wide("bank", NAMES).columns[-3:] == list(NAMES)
    assert reader.labels_in_force("bank", T0_MS).height == 0
    assert list(log_entries(reader.scan, "bank")) == []


def test_the_first_decision_by_output_offset_stands(put: Put, reader: LakeReader) -> None:
    put("decisions", [encode(decision(2)), encode(decision(1, score=0.5)), encode(decision(1, score=0.7))])
    put("decisions", [encode(decision(1, score=0.9))], start=3)
    found = reader.decisions("bank", columns=["tx_id", "score"])
    assert sorted(found.rows()) == [("tx-000001", 0.5), ("tx-000002", 0.25)]
    one = reader.decision_by_tx("bank", "tx-000001")
    assert one is not None
    assert one["score"] == 0.5
    assert one["entity_versions"] == [1, -1]


def test_a_decision_is_found_by_its_own_id_and_by_its_payments(put: Put, reader: LakeReader) -> None:
    put("decisions", [encode(decision(number)) for number in range(40)])
    for number in (0, 17, 39):
        told = decision(number)
        for own_id in (told.decision_id, told.tx_id):
            assert reader.decision_copies("bank", own_id)["tx_id"].to_list() == [told.tx_id]
        found = reader.decision_by_tx("bank", told.tx_id)
        assert found is not None
        assert found["decision_id"] == told.decision_id
    assert reader.decision_copies("bank", "0" * 32).height == 0
    assert reader.decision_copies("shop", decision(17).decision_id).height == 0


def test_a_lake_begun_when_rows_were_placed_by_payment_is_read_on(tmp_path: Path, reader: LakeReader) -> None:
    card = table_card("decisions")
    rows = record_rows(card, "bank", log_of("bank.decisions", [encode(decision(7))], 0, 0))
    place = rows.schema.get_field_index("key_hash")
    before = rows.set_column(place, "key_hash", pa.array([crc32(b"tx-000007")], pa.int64()))
    Lake(tmp_path).open(card).append(before, {Source("bank.decisions", 0): 1}, T0_MS)
    assert reader.decision_by_tx("bank", "tx-000007") is not None


def test_refused_rows_are_apart(put: Put, reader: LakeReader) -> None:
    put("decisions", [encode(decision(1)), b"junk"])
    assert reader.decisions("bank").height == 1
    assert reader.scan.refused("decisions", "bank").select("offset", "raw_bytes").rows() == [(1, b"junk")]


def test_other_portfolios_are_apart(put: Put, reader: LakeReader) -> None:
    put("decisions", [encode(decision(1))])
    assert reader.decisions("shop").height == 0
    assert reader.decision_by_tx("shop", "tx-000001") is None


def test_times_are_half_open_and_cross_days(put: Put, reader: LakeReader) -> None:
    put("decisions", [encode(decision(i)) for i in (0, 10_000, 100_000, 200_000)])
    times = Range(T0_MS + 10_000_000, T0_MS + 200_000_000)
    found = reader.decisions("bank", times, columns=["tx_id"])
    assert sorted(found["tx_id"]) == ["tx-010000", "tx-100000"]


def test_captures_are_wide_in_event_order_and_once(put: Put, reader: LakeReader) -> None:
    put("captures", [capture_body([5, 3]), capture_body([3, 4])])
    wide = reader.captures_wide("bank", NAMES)
    assert wide["tx_id"].to_list() == ["tx-000003", "tx-000004", "tx-000005"]
    assert wide["a"].to_list() == [3.0, 4.0, 5.0]
    assert wide["b"].to_list() == [3.5, 4.5, 5.5]
    assert np.isnan(wide["c"].to_numpy()).all()
    assert wide["raw_score"].to_list() == [0.1] * 3
    assert wide["score"].to_list() == [0.2] * 3
    assert reader.captures_wide("bank", ("a", "b")).height == 0
    later = reader.captures_wide("bank", NAMES, Range(T0_MS + 4_000, None))
    assert later["tx_id"].to_list() == ["tx-000004", "tx-000005"]


def test_captures_of_another_feature_set_are_left_out(put: Put, reader: LakeReader) -> None:
    put("captures", [capture_body([1])])
    put("decisions", [encode(decision(1, release_seq=2))])
    assert reader.captures_wide("bank", NAMES, feature_set="f" * 64).height == 1
    assert reader.captures_wide("bank", NAMES, feature_set="g" * 64).height == 0


def test_a_watermark_names_the_data_for_ever(put: Put, reader: LakeReader) -> None:
    put("captures", [capture_body([1, 2])])
    mark = reader.scan.watermark("captures", "bank")
    assert mark == {"bank.captures/0": 1}
    before = reader.captures_wide("bank", NAMES)
    put("captures", [capture_body([0, 3])], start=1)
    put("captures", [capture_body([7])], partition=1)
    assert reader.captures_wide("bank", NAMES, at=mark).equals(before)
    assert reader.captures_wide("bank", NAMES).height == 5


def test_labels_as_known_at_a_time(put: Put, reader: LakeReader) -> None:
    late = T0_MS + 9 * DAY_MS
    put("labels", [encode(label(1)), encode(label(1)), encode(label(2)), encode(label(1, "reversed", late))])
    assert reader.labels("bank", T0_MS).height == 0
    known = reader.labels_in_force("bank", late - 1)
    assert sorted(known.select("tx_id", "verdict").rows()) == [("tx-000001", "fraud"), ("tx-000002", "fraud")]
    assert reader.labels("bank", late).height == 3
    assert dict(reader.labels_in_force("bank", late).select("tx_id", "verdict").rows()) == {
        "tx-000001": "reversed",
        "tx-000002": "fraud",
    }


def test_labels_known_at_the_same_time_tie_to_the_later(put: Put, reader: LakeReader) -> None:
    put("labels", [encode(label(1)), encode(label(1, "reversed"))])
    assert reader.labels_in_force("bank", T0_MS + 8 * DAY_MS)["verdict"].to_list() == ["reversed"]


def test_the_log_is_laid_down_again_from_captures_and_raw_rows(put: Put, reader: LakeReader) -> None:
    raw = [encode(transaction(i)) for i in range(4)]
    put("transactions", raw)
    put("captures", [capture_body([0, 1]), capture_body([1, 2], {1: [2**40 + 8]}), capture_body([3])])
    put("captures", [capture_body([1], {1: [2**40 + 8, 2**40 + 9]})], start=3)
    entries = list(log_entries(reader.scan, "bank"))
    assert [e.own_id for e in entries] == [f"tx-{i:06d}" for i in range(4)]
    assert [e.raw for e in entries] == raw
    assert [e.versions for e in entries] == [[i, -1] for i in range(4)]
    assert entries[1].repeats == [2**40 + 8, 2**40 + 9]
    assert entries[2].repeats == []
    assert all(e.raw is not None and input_hash(e.raw) == e.input_hash for e in entries)


def test_a_clamped_record_is_found_on_its_other_day(put: Put, reader: LakeReader) -> None:
    """Its capture stands under the clamped time, its raw row under the time that it claims."""
    raw = encode(transaction(0, T0_MS + 400 * DAY_MS))
    put("transactions", [raw])
    put("captures", [capture_body([0])])
    assert [e.raw for e in log_entries(reader.scan, "bank")] == [raw]


def test_any_decision_is_found_in_the_compacted_files_of_many_days(
    put: Put, reader: LakeReader, tmp_path: Path
) -> None:
    days, per_day = 120, 200
    for first in range(0, days, 30):
        values = [
            encode(decision(day * 86_400 + k)) for day in range(first, first + 30) for k in range(per_day)
        ]
        put("decisions", values, start=first * per_day)
    card = table_card("decisions")
    compactor = Compactor(Lake(tmp_path).handle(card), card, limits=CompactionLimits(quiet_ms=0))
    while compactor.merge_once(T0_MS + DAY_MS):
        pass
    for day in (0, 77, days - 1):
        tx_id = f"tx-{day * 86_400 + 5:06d}"
        found = reader.decision_by_tx("bank", tx_id)
        assert found is not None
        assert (found["tx_id"], found["event_day"]) == (tx_id, day_of(found["event_time_ms"]))
        assert reader.decision_by_tx("bank", tx_id, day_of(T0_MS - DAY_MS)) is None


def test_a_look_up_reads_one_group_of_rows_of_a_file(tmp_path: Path) -> None:
    card, groups = table_card("decisions"), 4
    row = record_rows(card, "bank", log_of("bank.decisions", [encode(decision(0))], 0, 0))
    rows = pa.concat_tables([row] * (groups * ROWS_PER_GROUP))
    for name in ("key_hash", "offset"):
        drawn = np.random.default_rng(1).permutation(rows.num_rows)
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(drawn, pa.int64()))
    lake = Lake(tmp_path)
    lake.open(card).append(rows, {Source("bank.decisions", 0): rows.num_rows}, T0_MS)
    (file,) = lake.handle(card).to_pyarrow_dataset(schema=card.columns).get_fragments()
    assert len(file.split_by_row_group()) == groups
    for key_hash in (0, rows.num_rows // 2, rows.num_rows - 1):
        assert len(file.split_by_row_group(pc.field("key_hash") == key_hash)) == 1
