"""The scanner finds a card number in any kind of file, tells it masked, and leaves out what it is told to."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kafka.record import MemoryRecordsBuilder

from shared.bus.dead_letters import dead_letter
from shared.bus.ports import Taken
from shared.contracts.card_numbers import CardKey
from shared.contracts.codec import encode
from shared.contracts.operations import DeadLetter
from shared.contracts.outcome import Dead
from tests.support.card_plants import VISA
from tests.support.card_scan import main, scan

LETTER = DeadLetter(
    v=1,
    reason="bug",
    field="",
    topic="t",
    partition=0,
    offset=0,
    attempt=1,
    service="scorer",
    at_ms=1_700_000_000_000,
    body_hash="",
    body_bytes=16,
    body=VISA.encode(),
)


def segment(key: bytes, value: bytes) -> bytes:
    """A segment as the broker keeps it: records, then room."""
    builder = MemoryRecordsBuilder(2, 0, 1 << 16)
    builder.append(1_700_000_000_000, key, value, [("h", b"x")])
    builder.close()
    return bytes(builder.buffer()) + b"\0" * 4096


def parquet(value: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.table({"raw": [value * 3, None], "more": [["x", value.decode()], []]})
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("name", "clean", "dirty"),
    [
        ("scorer.log", b"all well", b"pan " + VISA.encode()),
        ("core.1", b"\0\xff", b"\0\xff" + VISA.encode() + b"\0"),
        ("bank.labels-0/00000000000000000000.log", segment(b"a", b"{}"), segment(b"0" * 12, VISA.encode())),
        ("bank.labels-0/00000000000000000007.log", segment(b"a", b"{}"), segment(VISA.encode(), b"{}")),
        ("letters/00000000000000000000.log", segment(b"a", b"{}"), segment(b"a", encode(LETTER))),
        ("lake/part-1.parquet", parquet(b"tx-1"), parquet(b" " + VISA.encode())),
    ],
)
def test_it_finds_one(tmp_path: Path, name: str, clean: bytes, dirty: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(clean)
    assert scan([tmp_path]) == []
    path.write_bytes(dirty)
    found = scan([tmp_path])
    assert {place.number for place in found} == {"411111******1111"}
    assert {place.path for place in found} == {path}
    assert VISA not in "".join(map(str, found))


def test_a_letter_of_ours_is_clean(tmp_path: Path) -> None:
    message = Taken("bank.labels", 0, 7, 1_700_000_000_000, VISA.encode(), b"{}" + VISA.encode())
    letter = dead_letter(message, Dead("not_json"), "scorer", 1, 1_700_000_000_000, CardKey(b"k" * 32))
    (tmp_path / "letter.json").write_bytes(letter.value)
    assert scan([tmp_path]) == []


def test_topics_are_left_out_and_the_exit_code_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for topic in ("bank.labels", "bank.labels-old"):
        (tmp_path / f"{topic}-0").mkdir()
        (tmp_path / f"{topic}-0" / "x").write_bytes(VISA.encode())
    assert main([str(tmp_path), "--leave-out", "bank.labels"]) == 1
    told = capsys.readouterr().out
    assert ("bank.labels-old-0/x: bytes: 411111******1111" in told, told.count("\n")) == (True, 1)
    assert main([str(tmp_path), "--leave-out=bank.labels", "--leave-out=bank.labels-old"]) == 0
