"""`assay verify`: N of N identical after faults; and one thing changed is named at its stage."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl
import pytest
import redis
from msgspec.structs import replace

from infra.local.redis import RedisServer
from services.cli.core.proof import difference_lines
from services.cli.wiring import run
from shared.contracts.codec import encode
from shared.contracts.decisions import Decision
from shared.contracts.payments import Transaction
from shared.contracts.verification import Verified
from tests.faults.conftest import MakeStand, checked
from tests.faults.loaded import send_load
from tests.faults.rebuilt import rebuilt
from tests.faults.tampering import Change, copied, rewrite, swapped_bytes
from tests.faults.verified import archiver_of, until_archived, verified
from tests.support.archiver_process import ArchiverProcess
from tests.support.scorer_flow import Flow
from tests.support.scorer_model import release_champion
from tests.support.scorer_process import wait_until
from tests.support.scorer_stand import Stand, last_by_tx
from tests.support.scorer_traffic import (
    DAY_MS,
    T0_MS,
    Record,
    label_of,
    payment,
    payment_ids,
    traffic,
)

FRAUD_AT_MS: Final = T0_MS + 3 * DAY_MS
LAST_MS: Final = T0_MS + 40 * DAY_MS


@pytest.fixture
def archived(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Stand, ArchiverProcess]]:
    """A stand whose topics an archiver writes to the lake of its home."""
    monkeypatch.setenv("ASSAY_REPLAYER_SETTLE_MS", "0")
    stand = make_stand(batch_records="64")
    with _archiving(stand) as archiver:
        yield stand, archiver


@contextmanager
def _archiving(stand: Stand) -> Iterator[ArchiverProcess]:
    archiver = archiver_of(stand)
    archiver.start()
    try:
        yield archiver
    finally:
        archiver.stop(signal.SIGKILL)


def _special(seed: str) -> list[Transaction]:
    """Payments that take a road of their own: late, converted, too far ahead, at no terminal."""
    far = int(time.time() * 1000) + 10 * DAY_MS
    return [
        payment(f"{seed}-late", T0_MS - 30 * DAY_MS, account_id="a-2", terminal_id="t-1"),
        payment(f"{seed}-dollars", LAST_MS, account_id="a-3", currency="USD", amount_minor=10_001),
        payment(f"{seed}-plain", LAST_MS, account_id="a-4", terminal_id=None),
        payment(f"{seed}-ahead", far, account_id="a-5", terminal_id="t-2"),
    ]


def _reversed(stand: Stand) -> None:
    """A payment whose fraud is told and later taken back, with other payments at its terminal between."""
    tx = payment("judged", FRAUD_AT_MS, account_id="a-7", terminal_id="t-9")
    told = label_of(tx, FRAUD_AT_MS + 2 * DAY_MS, "fraud", "l-told")
    back = label_of(tx, FRAUD_AT_MS + 4 * DAY_MS, "reversed", "l-back")
    after = [
        payment(f"after-{day}", FRAUD_AT_MS + day * DAY_MS, account_id="a-8", terminal_id="t-9")
        for day in (1, 3, 5)
    ]
    records: list[Record] = [tx, told, back, *after]
    for record in records:
        stand.sender.send([record])
        stand.until_settled()


def _assert_identical(found: Verified, decisions: int) -> None:
    assert (found.identical, found.decisions) == (decisions, decisions), found.differences[:5]
    assert found.is_whole, found.bad_records


def test_every_decision_comes_out_again_after_kills_two_workers_and_a_release(
    archived: tuple[Stand, ArchiverProcess],
) -> None:
    stand, archiver = archived
    first = stand.start(crash_at="after_append:6")
    with Flow(stand, 70, per_second=300) as flow:
        first.wait()
        second = stand.start()
        stand.until_owned({2})
        third = stand.start()
        stand.until_owned({2, 3})
        release_champion(stand)
        time.sleep(1)
        second.kill()
        time.sleep(1)
    copies = [payment("twice", LAST_MS, account_id="a-1"), payment("twice", LAST_MS, account_id="a-1")]
    other = payment("twice", LAST_MS, account_id="a-1", amount_minor=9)
    stand.sender.send([*copies, other, *_special("s")])
    _reversed(stand)
    stand.until_settled(60)
    third.terminate()
    checked(stand)
    until_archived(stand, archiver)
    decided = {decision.tx_id for decision in stand.decisions()}
    assert decided >= {*flow.payments, "twice", "s-late", "s-ahead", "judged", "after-5"}
    found = verified(stand, processes=2)
    _assert_identical(found, len(decided))
    assert found.releases == [1, 2]
    assert found.models == ["small@1"]
    assert found.records >= len(decided)


def test_every_decision_comes_out_again_after_a_load_by_two_workers_a_lost_redis_and_a_rebuild(
    make_stand: MakeStand, start_redis: Callable[..., RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_REPLAYER_SETTLE_MS", "0")
    server = start_redis()
    stand = make_stand(server.url, batch_records="64")
    with _archiving(stand) as archiver:
        stand.start()
        stand.start()
        stand.until_joined(2)
        loaded = list(traffic(80, 400, "load"))
        send_load(stand, loaded)
        stand.until_settled(60)
        _assert_both_loaded(stand)
        release_champion(stand)
        with Flow(stand, 81, per_second=200, prefix="lost") as lost:
            with redis.Redis.from_url(server.url) as client:
                client.flushall()
            _until_quality(stand, "rebuilding", 2)
        stand.until_settled(60)
        assert rebuilt(stand, server.address, at_least=2).epoch == 3
        with Flow(stand, 82, per_second=200, prefix="again") as again:
            _until_quality(stand, "exact", 3)
            _until_release(stand, 2)
        stand.until_settled(60)
        until_archived(stand, archiver)
    decided = last_by_tx(stand.decisions())
    assert set(decided) == {*payment_ids(loaded), *lost.payments, *again.payments}
    assert {d.epoch: d.state_quality for d in decided.values()} == {1: "exact", 2: "rebuilding", 3: "exact"}
    found = verified(stand, processes=2)
    _assert_identical(found, len(decided))
    assert found.releases == [1, 2]


def _assert_both_loaded(stand: Stand) -> None:
    """Each worker decided some of the load, so the barrier held one for the other."""
    assert {decision.worker for decision in stand.decisions()} == {"scorer-1", "scorer-2"}


def _until_quality(stand: Stand, quality: str, epoch: int) -> None:
    """Until both partitions have a decision of this quality in this epoch."""

    def found() -> set[int]:
        decisions = stand.decisions()
        return {d.partition for d in decisions if (d.state_quality, d.epoch) == (quality, epoch)}

    wait_until(lambda: len(found()) == 2, 40, lambda: f"{quality} on {found()}; {stand.tails()}", 0.25)


def _until_release(stand: Stand, seq: int) -> None:
    """Until the release decides: a worker checks its model beside the traffic, which does not wait."""
    wait_until(lambda: any(d.release_seq == seq for d in stand.decisions()), 40, stand.tails, 0.25)


def _one_bit(tx_id: str) -> Change:
    """The last bit of the third input of one captured vector."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        vectors = rows["vector"].to_list()
        k = (rows["id"] == tx_id).to_list().index(True)
        value = np.array([vectors[k][2]])
        value.view(np.int64)[0] ^= 1
        vectors[k][2] = float(value[0])
        return rows.with_columns(vector=pl.Series(vectors, dtype=pl.List(pl.Float64)))

    return change


def _nothing_captured(rows: pl.DataFrame) -> pl.DataFrame:
    """Every captured vector and score is replaced by numbers that nobody computed."""
    return rows.with_columns(
        pl.col("vector").list.eval(pl.element() * 0 + 7.0),
        pl.col("raw").list.eval(pl.element() * 0 + 7.0),
        pl.col("score").list.eval(pl.element() * 0 + 7.0),
    )


def test_one_thing_changed_is_named_at_its_stage(
    archived: tuple[Stand, ArchiverProcess],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand, archiver = archived
    worker = stand.start()
    stand.sender.send(traffic(71, 50))
    stand.until_settled()
    release_champion(stand)
    _reversed(stand)
    last = list(traffic(72, 40, "end", FRAUD_AT_MS + 6 * DAY_MS))
    stand.sender.send(last)
    stand.until_settled()
    worker.terminate()
    until_archived(stand, archiver)
    whole = len({decision.tx_id for decision in stand.decisions()})
    _assert_identical(verified(stand), whole)
    tx_id = payment_ids(last)[-1]

    monkeypatch.setenv("ASSAY_KAFKA", stand.bootstrap)
    monkeypatch.setenv("ASSAY_PORTFOLIO_FILE", str(stand.portfolio_file))
    after = _Changed(stand, tmp_path, capsys)
    same = after("same", "captures", lambda rows: rows)
    _assert_identical(same, whole)

    bit = after("bit", "captures", _one_bit(tx_id))
    assert (bit.identical, bit.stages) == (whole - 1, {"feature": 1})
    assert (bit.differences[0].tx_id, bit.differences[0].what) == (tx_id, "account_count_1h")
    assert bit.differences[0].told != bit.differences[0].again
    assert "account_count_1h was captured as" in _sentence(bit)

    label = after("label", "labels", swapped_bytes("l-told", "label_id", b"fraud", b"genuine"))
    assert label.bad_record_count == 1
    assert (label.bad_records[0].own_id, label.bad_records[0].fault) == ("l-told", "bytes_differ")
    assert {d.tx_id: d.stage for d in label.differences} == {"after-3": "timeline"}
    assert label.differences[0].what.startswith("terminal: a bad record stands at index")
    assert "the log that it was decided from is not what was captured" in _sentence(label)

    gone = after("gone", "labels", lambda rows: rows.filter(pl.col("label_id") != "l-told"))
    assert (gone.bad_records[0].own_id, gone.bad_records[0].fault) == ("l-told", "bytes_missing")
    assert {d.tx_id: d.stage for d in gone.differences} == {"after-3": "timeline"}

    raw = after("raw", "transactions", swapped_bytes(tx_id, "tx_id", b'"v":1', b'"v" :1'))
    assert {d.tx_id: (d.stage, d.what) for d in raw.differences} == {tx_id: ("input", "bytes_differ")}
    assert raw.bad_records[0].own_id == tx_id
    assert "its bytes in the lake are not those that were decided" in _sentence(raw)

    moved = after("moved", "decisions", lambda rows: rows.with_columns(action=pl.lit("decline")))
    assert set(moved.stages) == {"policy"}
    _assert_a_changed_model_is_named(after)
    _assert_captured_answers_are_no_input(after, last)


@dataclass(frozen=True)
class _Changed:
    """Asks `assay verify` about copies of a stand's data folder in each of which one thing was changed."""

    stand: Stand
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, name: str, table: str, change: Change) -> Verified:
        copy = copied(self.stand, self.folder / name)
        rewrite(copy, table, change)
        return self.asked(copy)

    def asked(self, data_dir: Path) -> Verified:
        """What the command answers, which also says by its exit code whether all is well."""
        words = ("--data-dir", str(data_dir), "--portfolio", self.stand.name, "--processes", "1", "--json")
        code = run(["verify", *words])
        found = msgspec.json.decode(self.capsys.readouterr().out, type=Verified)
        assert code == (0 if found.is_whole else 1)
        return found


def _sentence(found: Verified) -> str:
    """What the command says to a person of the first decision that differs."""
    return " ".join(line.strip() for line in difference_lines(found.differences[0]))


def _assert_a_changed_model_is_named(after: _Changed) -> None:
    stand, model = after.stand, copied(after.stand, after.folder / "model")
    for path in (model / "artefacts" / "objects").rglob("*"):
        if path.is_file() and b"tree" in path.read_bytes()[:4]:
            path.chmod(0o600)
            path.write_bytes(path.read_bytes().replace(b"leaf_value=", b"leaf_value=1", 1))
    refused = after.asked(model)
    assert set(refused.stages) == {"model"}
    assert "artefact_hash" in refused.differences[0].again
    assert "release 2 cannot decide again. artefact_hash" in _sentence(refused)
    assert refused.identical == sum(d.release_seq == 1 for d in _first(stand))


def _assert_captured_answers_are_no_input(after: _Changed, last: list[Record]) -> None:
    """With every captured value replaced the same values are recomputed as before."""
    blind = after("blind", "captures", _nothing_captured)
    assert (blind.identical, set(blind.stages)) == (0, {"feature"})
    amounts = {tx.tx_id: tx.amount_minor / 100 for tx in last if isinstance(tx, Transaction)}
    again = {d.tx_id: d.again for d in blind.differences if d.tx_id in amounts}
    assert {own: text.split()[0] for own, text in again.items()} == {k: repr(v) for k, v in amounts.items()}


def _first(stand: Stand) -> list[Decision]:
    """The decision of each payment that stands: the first."""
    found = {decision.tx_id: decision for decision in reversed(stand.decisions())}
    return list(found.values())


def test_a_record_of_another_body_is_no_copy(archived: tuple[Stand, ArchiverProcess]) -> None:
    """Equal ids with other bytes: the first stands, the other is refused, and verify knows which is which."""
    stand, archiver = archived
    worker = stand.start()
    tx = payment("one", T0_MS, account_id="a-1")
    stand.sender.send([tx, replace(tx, amount_minor=1), payment("two", T0_MS + 1, account_id="a-1")])
    stand.until_settled()
    assert stand.letter_reasons() == {"tx_conflict": 1}
    worker.terminate()
    until_archived(stand, archiver)
    assert encode(tx) != encode(replace(tx, amount_minor=1))
    _assert_identical(verified(stand), 2)
