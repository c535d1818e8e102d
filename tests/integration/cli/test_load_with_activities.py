"""Payments, activities and labels of a small bank as one load: what the broker holds, what is captured."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

from shared.bus.ports import Place
from shared.bus.sync import KafkaLook, produce_confirmed
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode_activity, encode
from shared.contracts.headers import LOAD, TICK, TICK_END
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import parse_portfolio
from shared.features.rows import RowEncoder
from shared.features.timelines import Timelines

Ask = Callable[..., Any]
Record = Transaction | Activity | Label

T0_MS: Final = 1_600_000_000_000
STEP_MS: Final = 60_000
DELAY_MS: Final = 24 * 3_600_000
PAYMENTS: Final = 3_000
ACTIVITIES: Final = 2_000
RANKS: Final[dict[type, int]] = {Label: 0, Activity: 1, Transaction: 2}

PORTFOLIO: Final = """
name = "{name}"
currency = "EUR"
label_delay_days = 1
activities = ["login", "device_registered", "payee_added"]
entities = [
  {{ name = "account", key = "account_id" }},
  {{ name = "device", key = "device_id" }},
  {{ name = "payee", key = "payee_id" }},
]
columns = [
  {{ name = "payer", field = "account_id" }},
  {{ name = "device", field = "device_id" }},
  {{ name = "payee", field = "payee_id" }},
]
features = [
  {{ name = "logins", kind = "activity_count", entity = "account", window = "6h", activity = "login" }},
  {{ name = "added", kind = "activity_count", entity = "account", window = "6h", activity = "payee_added" }},
  {{ name = "events", kind = "total", left = "logins", right = "added" }},
  {{ name = "added_s", kind = "pair_age", entity = "account", window = "3d", column = "payee", activity = "payee_added" }},
  {{ name = "paid_s", kind = "pair_gap", entity = "account", window = "3d", column = "payee" }},
  {{ name = "device_s", kind = "gap", entity = "account", window = "3d", activity = "device_registered" }},
  {{ name = "users", kind = "distinct", entity = "device", window = "3d", column = "payer", activity = "login" }},
  {{ name = "payers", kind = "distinct", entity = "payee", window = "3d", column = "payer" }},
  {{ name = "largest", kind = "max_ratio", entity = "account", window = "3d" }},
  {{ name = "risk", kind = "delayed_risk", entity = "payee", window = "3d" }},
]

[source.fields]
tx_id = {{ column = "tx_id" }}
account_id = {{ column = "account_id" }}
device_id = {{ column = "device_id" }}
payee_id = {{ column = "payee_id" }}
event_time_ms = {{ column = "event_time" }}
amount_minor = {{ column = "amount_minor" }}

[source.label]
column = "fraud"
"""  # noqa: E501 - one feature a line


@pytest.fixture
def portfolio(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A bank with activities under a name of this test's own."""
    name = "p" + "".join(c for c in request.node.name.lower() if c.isalnum())[:24]
    (tmp_path / "own.toml").write_text(PORTFOLIO.format(name=name))
    return name


@pytest.fixture
def bank() -> list[Record]:
    """Payments and activities that share devices and payees, at times that often meet; some frauds."""
    draw = random.Random(7)
    records: list[Record] = []
    for number, minute in enumerate(sorted(draw.sample(range(2 * PAYMENTS), PAYMENTS))):
        payment = Transaction(
            v=1,
            tx_id=f"tx-{number}",
            account_id=f"a-{draw.randrange(40)}",
            event_time_ms=T0_MS + minute * STEP_MS,
            amount_minor=draw.randrange(1, 90_000),
            currency="EUR",
            device_id=f"d-{draw.randrange(60)}",
            payee_id=f"p-{draw.randrange(30)}",
        )
        records.append(payment)
        if draw.random() < 0.05:
            records.append(_fraud(payment))
    for number, minute in enumerate(sorted(draw.sample(range(-99, 2 * PAYMENTS + 99), ACTIVITIES))):
        kind = draw.choice(("login", "device_registered", "payee_added"))
        records.append(
            Activity(
                v=1,
                activity_id=f"v-{number}",
                account_id=f"a-{draw.randrange(40)}",
                event_time_ms=T0_MS + minute * STEP_MS,
                kind=kind,
                device_id=None if kind == "payee_added" else f"d-{draw.randrange(60)}",
                payee_id=f"p-{draw.randrange(30)}" if kind == "payee_added" else None,
            )
        )
    return records


def _fraud(payment: Transaction) -> Label:
    return Label(
        v=1,
        label_id=f"{payment.tx_id}-fraud",
        tx_id=payment.tx_id,
        account_id=payment.account_id,
        event_time_ms=payment.event_time_ms,
        known_at_ms=payment.event_time_ms + DELAY_MS,
        verdict="fraud",
        source="file",
        device_id=payment.device_id,
        payee_id=payment.payee_id,
    )


def _files(records: list[Record], folder: Path) -> tuple[str, str]:
    """The bank as two files: payments with frauds beside them, activities."""
    frauds = {record.tx_id for record in records if isinstance(record, Label)}
    payments = [{**_row(r), "fraud": int(r.tx_id in frauds)} for r in records if isinstance(r, Transaction)]
    activities = [_row(record) for record in records if isinstance(record, Activity)]
    return _write(folder / "transactions.parquet", payments), _write(
        folder / "activities.parquet", activities
    )


def _write(path: Path, rows: list[dict[str, Any]]) -> str:
    table = pl.DataFrame(rows, infer_schema_length=None)
    table.with_columns(pl.col("event_time").dt.cast_time_unit("ms")).write_parquet(path)
    return str(path)


def _row(record: Transaction | Activity) -> dict[str, Any]:
    names = [name for name in record.__struct_fields__ if name not in ("v", "event_time_ms")]
    found = {name: getattr(record, name) for name in names}
    return {**found, "event_time": datetime.fromtimestamp(record.event_time_ms / 1000, UTC)}


def test_activities_stand_on_the_broker_in_order_with_the_ticks_of_their_load(
    ask: Ask, bootstrap: str, portfolio: str, bank: list[Record], tmp_path: Path
) -> None:
    payments, activities = _files(bank, tmp_path)
    report = ask("ingest", payments, "--activities", activities)
    assert (report["transactions"], report["activities"], report["refused"]) == (PAYMENTS, ACTIVITIES, {})
    ids, ends = set(), set()
    reached: dict[int, int] = {}
    with KafkaLook(KafkaAddress(bootstrap)) as look:
        for message in look.read_all([f"{portfolio}.activities"]):
            headers = dict(message.headers)
            assert headers[LOAD] == report["load_id"].encode()
            if headers.get(TICK) == TICK_END:
                ends.add(message.partition)
            elif TICK in headers:
                reached[message.partition] = int(headers[TICK])
            else:
                record = decode_activity(message.value or b"")
                assert message.key == record.account_id.encode()
                assert record.event_time_ms >= reached.get(message.partition, 0)
                ids.add(record.activity_id)
    assert len(ids) == ACTIVITIES
    assert ends == set(reached) == {0, 1, 2, 3}


def test_captures_of_a_load_equal_the_same_records_folded_from_scratch(
    ask: Ask, house: Path, bank: list[Record], tmp_path: Path
) -> None:
    payments, activities = _files(bank, tmp_path)
    report = ask("ingest", payments, "--activities", activities, "--wait")
    labels = sum(isinstance(record, Label) for record in bank)
    assert (report["outcome"]["decisions"], report["activities"]) == (PAYMENTS, ACTIVITIES)
    assert (report["labels"], report["outcome"]["refused"]) == (labels, {})
    features = compile_portfolio(parse_portfolio(house.read_text(), house.name))
    ask("export", "captures", "--out", str(tmp_path / "captures.parquet"))
    captured = pl.read_parquet(tmp_path / "captures.parquet").sort("tx_id")
    expected = _from_scratch(features, bank)
    assert captured["tx_id"].to_list() == sorted(expected)
    found = captured.select(features.names).to_numpy()
    wanted = np.array([expected[tx_id] for tx_id in captured["tx_id"]])
    assert np.array_equal(found, wanted, equal_nan=True)
    # Every feature says something: each has values, and those that may be missing are so somewhere.
    assert (np.nanmax(wanted, axis=0) > np.nanmin(wanted, axis=0)).all()
    assert (
        np.isnan(wanted).any(axis=0) == [n.endswith("_s") or n == "largest" for n in features.names]
    ).all()


def _from_scratch(features: FeatureSet, records: list[Record]) -> dict[str, list[float]]:
    """The vector of each payment, all records laid down one by one in the order that the rules name."""
    rows, timelines = RowEncoder(features, b"any"), Timelines(features, 64 << 20)
    found = {}
    for record in sorted(records, key=lambda r: (_merge_ms(r), RANKS[type(r)])):
        if isinstance(record, Transaction):
            row = rows.transaction(record, record.amount_minor, record.event_time_ms, 0)
        elif isinstance(record, Label):
            row = rows.label(record, 0)
        else:
            row = rows.activity(record, 0)
        claimed = timelines.claim([rows.entity_ids(record)])
        vector = timelines.fold(claimed, row, claimed.known, b"").matrix[0].tolist()
        if isinstance(record, Transaction):
            found[record.tx_id] = vector
    return found


def _merge_ms(record: Record) -> int:
    return record.known_at_ms if isinstance(record, Label) else record.event_time_ms


def test_refusals_of_the_file_and_of_the_scorer_are_counted_apart(
    ask: Ask, house: Path, bootstrap: str, portfolio: str, bank: list[Record], tmp_path: Path
) -> None:
    few = [record for record in bank if isinstance(record, Activity)][:40]
    payments, _ = _files([*bank[:50], *few], tmp_path)
    rows = [_row(record) for record in few]
    rows[3]["kind"] = None
    activities = _write(tmp_path / "activities.parquet", rows)
    letter = DeadLetter(
        v=1,
        reason="not_json",
        field="",
        topic=f"{portfolio}.activities",
        partition=1,
        offset=0,
        attempt=1,
        service="scorer",
        at_ms=T0_MS,
        body_hash="00",
        body_bytes=3,
        body=b"{x}",
    )
    produce_confirmed(KafkaAddress(bootstrap), Place(f"{portfolio}.dead-letters", 0), None, encode(letter))
    report = ask("ingest", payments, "--activities", activities, "--wait", code=1)
    assert (report["activities"], report["refused"]) == (39, {"field_missing": 1})
    assert report["refused_rows"] == [
        {"file": "activities.parquet", "row": 4, "code": "field_missing", "field": "kind"}
    ]
    assert report["outcome"]["refused"] == {"not_json": 1}
