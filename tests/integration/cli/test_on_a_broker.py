"""Commands that need a broker and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from shared.bus.ports import Place
from shared.bus.sync import KafkaLook, produce_confirmed
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode_label, decode_transaction, encode
from shared.contracts.headers import LOAD, TICK, TICK_END
from shared.contracts.operations import Alert, DeadLetter
from shared.stores.audit_writer import fold_audit
from shared.stores.kafka_log import read_whole

Ask = Callable[..., Any]


def _payments(folder: Path, rows: int) -> Path:
    start = pl.datetime(2018, 4, 1, time_unit="ms")
    table = pl.select(pl.int_range(rows, dtype=pl.Int32).alias("TRANSACTION_ID")).with_columns(
        (start + pl.duration(minutes=pl.col("TRANSACTION_ID"))).alias("TX_DATETIME"),
        (pl.col("TRANSACTION_ID") % 17).alias("CUSTOMER_ID"),
        (pl.col("TRANSACTION_ID") % 5).alias("TERMINAL_ID"),
        (pl.col("TRANSACTION_ID") * 0.01).alias("TX_AMOUNT"),
        (pl.col("TRANSACTION_ID") % 50 == 0).cast(pl.Int8).alias("TX_FRAUD"),
    )
    path = folder / "payments.parquet"
    table.write_parquet(path)
    return path


def test_a_load_stands_on_the_broker_in_order_with_its_ticks(
    ask: Ask, bootstrap: str, portfolio: str, tmp_path: Path
) -> None:
    report = ask("ingest", str(_payments(tmp_path, 3_000)), "--labels-after", "1d")
    assert (report["transactions"], report["labels"], report["refused"]) == (3_000, 60, {})
    with KafkaLook(KafkaAddress(bootstrap)) as look:
        payments, reached, ends = 0, dict.fromkeys(range(4), 0), set()
        for message in look.read_all([f"{portfolio}.transactions"]):
            headers = dict(message.headers)
            assert headers[LOAD] == report["load_id"].encode()
            if TICK in headers:
                assert not message.value
                if headers[TICK] == TICK_END:
                    ends.add(message.partition)
                else:
                    reached[message.partition] = int(headers[TICK])
                continue
            payments += 1
            record = decode_transaction(message.value or b"")
            assert message.key == record.account_id.encode()
            assert record.event_time_ms >= reached[message.partition]
        assert payments == 3_000
        assert ends == {0, 1, 2, 3}
        labels = [decode_label(m.value) for m in look.read_all([f"{portfolio}.labels"]) if m.value]
        assert {label.known_at_ms - label.event_time_ms for label in labels} == {86_400_000}
        quiet = [m for m in look.read_all([f"{portfolio}.activities"]) if m.value]
        assert quiet == []


def test_a_period_and_a_rate(ask: Ask, tmp_path: Path) -> None:
    file = str(_payments(tmp_path, 300))
    report = ask("ingest", file, "--from", "2018-04-01T01:00", "--to", "2018-04-01T02:00", "--no-labels")
    assert (report["transactions"], report["labels"]) == (60, 0)
    paced = ask("ingest", file, "--to", "2018-04-01T01:00", "--rate", "60")
    assert 0.9 < paced["seconds"] < 5


def test_refused_rows_are_named_and_the_rest_is_sent(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(
        "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\n"
        "1,2018-04-01 00:00:00,1,1,1.50,1\n2,2018-04-01 00:00:01,1,1,-1,0\n3,never,1,1,1,0\n"
    )
    report = ask("ingest", str(file), code=1)
    assert (report["transactions"], report["labels"]) == (1, 1)
    assert report["refused"] == {"amount_negative": 1, "field_type": 1}
    assert report["refused_rows"][0] == {
        "file": "more.csv",
        "row": 2,
        "code": "amount_negative",
        "field": "amount_minor",
    }


def test_a_load_without_a_scorer_is_told_when_waited_for(ask: Ask, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.cli.edge.load_outcome.STUCK_S", 1.0)
    error = ask("ingest", str(_payments(tmp_path, 10)), "--wait", code=3)
    assert "committed nothing" in error["error"]


def test_a_load_can_be_ended_for_its_readers(ask: Ask, bootstrap: str, portfolio: str, capsys: Any) -> None:
    from services.cli.wiring import run

    assert run(["ingest", "--end-load", "lost"]) == 0
    with KafkaLook(KafkaAddress(bootstrap)) as look:
        found = list(
            look.read_all([f"{portfolio}.{lane}" for lane in ("transactions", "labels", "activities")])
        )
    assert len(found) == 12
    assert all(dict(m.headers) == {LOAD: b"lost", TICK: TICK_END} for m in found)


def test_an_interrupted_load_is_ended_on_every_partition(
    ask: Ask, bootstrap: str, portfolio: str, tmp_path: Path
) -> None:
    words = ["ingest", str(_payments(tmp_path, 3_000)), "--rate", "20", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    inputs = [f"{portfolio}.{lane}" for lane in ("transactions", "labels", "activities")]
    with KafkaLook(KafkaAddress(bootstrap)) as look:
        places = look.places(inputs)
        deadline = time.monotonic() + 60
        while not sum(look.ends(places).values()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert json.loads(said)["interrupted"]
        ends = [m for m in look.read_all(inputs) if dict(m.headers).get(TICK) == TICK_END]
        assert {(m.topic, m.partition) for m in ends} == set(places)


def test_topics_are_applied_and_compared(ask: Ask) -> None:
    assert ask("topics", "apply") == {"created": [], "granted": 0, "faults": []}
    assert ask("topics", "diff") == {"faults": []}


def test_releases_are_published_with_their_audit(ask: Ask, bootstrap: str, portfolio: str) -> None:
    assert "no release yet" in ask("release", "show", code=1)["error"]
    first = ask("release", "first")["published"]
    assert ask("release", "first") == {"published": None}
    shown = ask("release", "show")
    assert (shown["seq"], shown["hash"], shown["content"]["champion"]) == (1, first["hash"], None)
    assert [release["seq"] for release in ask("release", "history")["releases"]] == [1]
    assert ask("release", "history", "--at", "2001-01-01")["releases"] == []
    assert "No model" in ask("release", "promote", "feed", code=1)["error"]
    entries = fold_audit(record.value for record in read_whole(KafkaAddress(bootstrap), "audit"))[
        "cli"
    ].entries
    mine = [entry for entry in entries if entry.subject.startswith(portfolio)]
    assert [entry.result for entry in mine] == ["intended", "done"]


def test_dead_letters_are_counted_and_shown(ask: Ask, bootstrap: str, portfolio: str) -> None:
    assert ask("dlq", "list")["count"] == 0
    letter = DeadLetter(
        v=1,
        reason="not_json",
        field="",
        topic=f"{portfolio}.transactions",
        partition=1,
        offset=7,
        attempt=1,
        service="scorer",
        at_ms=1_700_000_000_000,
        body_hash="00",
        body_bytes=3,
        body=b"{x\xff",
    )
    produce_confirmed(KafkaAddress(bootstrap), Place(f"{portfolio}.dead-letters", 2), None, encode(letter))
    found = ask("dlq", "list")
    assert found["reasons"] == [{"reason": "not_json", "topic": letter.topic, "count": 1}]
    assert found["newest"][0]["place"] == "2:0"
    assert ask("dlq", "show", "2:0")["body"] == "{x\\xff"
    assert "no dead letter" in ask("dlq", "show", "0:0", code=1)["error"]


def test_alerts_say_what_fires_and_what_was_told_last(ask: Ask, bootstrap: str, portfolio: str) -> None:
    assert ask("alerts") == {"firing": [], "last": []}
    told = [
        ("latency_p99", "", "firing"),
        ("service_down", "scorer-1", "firing"),
        ("latency_p99", "", "cleared"),
    ]
    for at, (rule, subject, state) in enumerate(told):
        alert = Alert(
            v=1,
            rule=rule,
            state=state,  # type: ignore[arg-type]  # one of the two words
            at_ms=1_700_000_000_000 + at,
            value=12.0,
            limit=10.0,
            subject=subject,
        )
        produce_confirmed(KafkaAddress(bootstrap), Place(f"{portfolio}.alerts", 0), None, encode(alert))
    found = ask("alerts")
    assert [(a["rule"], a["subject"]) for a in found["firing"]] == [("service_down", "scorer-1")]
    assert [(a["rule"], a["subject"], a["state"]) for a in found["last"]] == told
    assert [a["state"] for a in ask("alerts", "--limit", "1")["last"]] == ["cleared"]


def test_a_training_that_nobody_answers(ask: Ask, bootstrap: str, portfolio: str) -> None:
    error = ask("train", "--as-of", "2018-05-01", "--timeout-s", "1", code=3)
    assert "No card came" in error["error"]
    assert len(read_whole(KafkaAddress(bootstrap), f"{portfolio}.requests")) == 1


def test_a_look_can_read_the_same_partition_again(bootstrap: str, portfolio: str) -> None:
    topic = f"{portfolio}.candidates"
    with KafkaLook(KafkaAddress(bootstrap)) as look:
        for number in range(3):
            produce_confirmed(KafkaAddress(bootstrap), Place(topic, 0), None, b"%d" % number)
            assert [m.value for m in look.read({Place(topic, 0): (number, number + 1)})] == [b"%d" % number]
        assert len(list(look.read_all([topic]))) == 3
