"""Messages become rows: in order, in their columns, with their coordinates; bad bytes keep their reason."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable

import msgspec
import pytest

from services.archiver.core.records import record_rows
from shared.contracts import headers
from shared.contracts.bounds import RECORD_LIMIT_BYTES
from shared.contracts.card_numbers import find_in_bytes
from shared.contracts.codec import encode
from shared.contracts.operations import AuditEntry, DeadLetter
from shared.contracts.payments import Transaction
from shared.stores.lake_tables import TABLES, table_card
from tests.support.card_plants import VISA
from tests.support.lake_messages import T0_MS, FakeMessage, decision, label, log_of, prediction, transaction

POISON = [b"not json", b'{"v":1', b"\xff\xfe", b"[1]", b"{}", b'{"v":1,"v":1}', b"{}\n{}"]


def test_rows_keep_order_coordinates_and_bytes() -> None:
    raw = [encode(transaction(i)) for i in range(5)]
    rows = record_rows(table_card("transactions"), "bank", log_of("bank.transactions", raw, 3, 40))
    assert rows["tx_id"].to_pylist() == [f"tx-{i:06d}" for i in range(5)]
    assert rows["raw_bytes"].to_pylist() == raw
    assert rows["offset"].to_pylist() == [40, 41, 42, 43, 44]
    assert set(rows["partition"].to_pylist()) == {3}
    assert rows["event_day"].to_pylist()[0] == datetime.date(2023, 11, 14)
    assert rows["caller"].to_pylist() == ["unknown"] * 5
    assert rows["refused_reason"].null_count == 5


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("table", ["transactions", "decisions"])
def test_poison_keeps_its_row_reason_and_bytes_and_spares_its_neighbours(table: str, poison: bytes) -> None:
    good = [encode(decision(i) if table == "decisions" else transaction(i)) for i in range(2)]
    messages = log_of(f"bank.{table}", [good[0], poison, good[1]])
    rows = record_rows(table_card(table), "bank", messages).to_pylist()
    assert [row["tx_id"] for row in rows] == ["tx-000000", None, "tx-000001"]
    assert rows[1]["raw_bytes"] == poison
    assert rows[1]["refused_reason"]
    assert rows[1]["event_day"] == datetime.date(2023, 11, 14)
    assert rows[0]["refused_reason"] is None


def test_an_oversize_record_keeps_its_row_but_not_its_bytes() -> None:
    messages = log_of("bank.transactions", [b"x" * (RECORD_LIMIT_BYTES + 1), encode(transaction(1))])
    rows = record_rows(table_card("transactions"), "bank", messages).to_pylist()
    assert [row["refused_reason"] for row in rows] == ["oversize", None]
    assert rows[0]["raw_bytes"] is None
    assert rows[1]["raw_bytes"] == encode(transaction(1))


def test_a_line_break_in_one_message_moves_no_other_row() -> None:
    pretty = json.dumps(json.loads(encode(decision(1))), indent=1).encode()
    messages = log_of("bank.decisions", [encode(decision(0)), pretty, encode(decision(2))])
    rows = record_rows(table_card("decisions"), "bank", messages).to_pylist()
    assert [(row["offset"], row["tx_id"]) for row in rows] == [(i, f"tx-{i:06d}") for i in range(3)]


def test_two_objects_in_one_message_and_none_in_another_are_refused() -> None:
    two = encode(decision(0)) + encode(decision(1))
    rows = record_rows(table_card("decisions"), "bank", log_of("bank.decisions", [two, b" "])).to_pylist()
    assert [row["refused_reason"] for row in rows] == ["not_json", "not_json"]


@pytest.mark.parametrize("table", ["decisions", "predictions", "labels", "transactions"])
def test_the_fast_road_and_the_slow_road_give_the_same_rows(table: str) -> None:
    make: dict[str, Callable[[int], msgspec.Struct]] = {
        "decisions": decision,
        "predictions": prediction,
        "labels": label,
        "transactions": transaction,
    }
    raw = [encode(make[table](i)) for i in range(4)]
    raw += [encode(decision(9, score=None))] if table == "decisions" else []
    messages = log_of(f"bank.{table}", raw)
    fast = record_rows(table_card(table), "bank", messages)
    slow = record_rows(table_card(table), "bank", [*messages, FakeMessage(f"bank.{table}", 0, 99, b"bad")])
    assert fast.drop_columns(["raw_bytes"]) == slow.slice(0, len(raw)).drop_columns(["raw_bytes"])


def test_maps_are_kept_as_json_text() -> None:
    tx = Transaction(
        v=1,
        tx_id="t",
        account_id="a",
        event_time_ms=T0_MS,
        amount_minor=1,
        currency="EUR",
        numbers={"age": 4.0},
        texts={"name": "ü"},
    )
    rows = record_rows(table_card("transactions"), "bank", log_of("bank.transactions", [encode(tx)]))
    assert rows["numbers"].to_pylist() == ['{"age":4.0}']
    assert rows["texts"].to_pylist() == ['{"name":"ü"}']


def test_unknown_fields_stay_in_the_raw_bytes() -> None:
    raw = encode(transaction(1))[:-1] + b',"new_field":7}'
    rows = record_rows(table_card("transactions"), "bank", log_of("bank.transactions", [raw])).to_pylist()
    assert rows[0]["refused_reason"] is None
    assert rows[0]["raw_bytes"] == raw


def test_the_load_id_is_a_column() -> None:
    loaded = FakeMessage("bank.labels", 0, 0, encode(label(1)), headers=((headers.LOAD, b"load-7"),))
    live = FakeMessage("bank.labels", 0, 1, encode(label(2)))
    rows = record_rows(table_card("labels"), "bank", [loaded, live])
    assert rows["load_id"].to_pylist() == ["load-7", None]


def test_fields_named_like_a_coordinate_stand_beside_it() -> None:
    letter = DeadLetter(
        v=1,
        reason="not_json",
        field="",
        topic="bank.transactions",
        partition=5,
        offset=6,
        attempt=1,
        service="scorer",
        at_ms=T0_MS,
        body_hash="h",
        body_bytes=1,
        body=b"\x00",
    )
    messages = log_of("bank.dead-letters", [encode(letter)], 1, 9)
    row = record_rows(table_card("dead_letters"), "bank", messages).to_pylist()[0]
    assert (row["topic"], row["partition"], row["offset"]) == ("bank.dead-letters", 1, 9)
    assert (row["input_topic"], row["input_partition"], row["input_offset"]) == ("bank.transactions", 5, 6)
    assert (row["body"], row["reason"]) == (b"\x00", "not_json")


def test_audit_entries_are_rows() -> None:
    entry = AuditEntry(
        v=1,
        writer="cli",
        seq=1,
        at_ms=T0_MS,
        by="ana",
        action="release.publish",
        subject="bank/1",
        reason="start",
        result="done",
        prev_hash="",
        hash="h",
    )
    row = record_rows(table_card("audit"), "all", log_of("audit", [encode(entry)])).to_pylist()[0]
    assert (row["by"], row["seq"], row["portfolio"]) == ("ana", 1, "all")


def test_every_table_has_its_event_time_and_look_up_column() -> None:
    for card in TABLES:
        assert {card.event_time, card.look_up} <= set(card.columns.names)
        assert len(set(card.columns.names)) == len(card.columns.names)


def test_a_card_number_stays_in_no_refused_row() -> None:
    note = b'{"v":1,"note":"4111 1111 1111 1111"}'
    raws = [encode(transaction(0)).replace(b"account-0", VISA.encode()), note, encode(transaction(1))]
    tied = [FakeMessage(m.topic, m.partition, m.offset, m.value) for m in log_of("bank.transactions", raws)]
    tied[2] = FakeMessage("bank.transactions", 0, 9, raws[2], headers=((headers.LOAD, VISA.encode()),))
    rows = record_rows(table_card("transactions"), "bank", tied).to_pylist()
    assert [row["refused_reason"] for row in rows] == ["id_numeric", "field_missing", None]
    assert b"411111******1111" in rows[0]["raw_bytes"]
    assert rows[1]["raw_bytes"] == b'{"v":1,"note":"4111 11** **** 1111"}'
    assert (rows[2]["raw_bytes"], rows[2]["load_id"]) == (raws[2], "411111******1111")
    assert not any(find_in_bytes(str(row).encode()) for row in rows)
