"""What `assay verify` says of each thing that was changed: a sentence of 80 columns, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.local.replay_run import ReplayRun
from services.cli.core.proof import COLUMNS, difference_lines, record_lines
from services.cli.wiring import run
from shared.contracts.verification import (
    RECORD_FAULTS,
    STAGES,
    BadRecord,
    Difference,
    Stage,
    Verified,
    VerifyLine,
    VerifyProgress,
)

AT_MS = 1_524_391_200_000
HASHES = "0123456789abcdef" * 2, "fedcba9876543210" * 2
HASHED = f"Hashed: {HASHES[0]}, now {HASHES[1]}"
STANDS = "terminal: a bad record stands at index 1"
SAW = f"{STANDS}; it saw version 2"
REFUSAL = "artefact_hash: model.txt has another hash than its manifest says"
BITS = "3.0 (4008000000000000)", "3.0000000000000004 (4008000000000001)"
WHOLE = Verified(
    portfolio="bank",
    from_ms=None,
    to_ms=None,
    decisions=9,
    identical=9,
    stages={},
    differences=[],
    bad_record_count=0,
    bad_records=[],
    gaps=0,
    records=12,
    releases=[1],
    models=[],
    processes=1,
    seconds=1.5,
    stage_seconds={},
)


def _differs(stage: Stage, what: str, told: str = "", again: str = "") -> Difference:
    return Difference(tx_id="tx-7", event_time_ms=AT_MS, stage=stage, what=what, told=told, again=again)


LABEL = BadRecord(kind=2, own_id="l-told", topic="bank.labels", partition=1, offset=40, fault="bytes_differ")
VECTOR = _differs("feature", "account_count_1h", *BITS)
BENEATH = _differs("timeline", STANDS, "version 2")
MODEL = _differs("model", "release 2", again=f"{REFUSAL}.")
INPUT = _differs("input", "bytes_differ", *HASHES)


OF = "payment tx-7 of 2018-04-22 10:00:00:"
SENTENCES = (
    (
        VECTOR,
        f"feature: {OF} account_count_1h was captured as {BITS[0]}, and folded again comes out as {BITS[1]}.",
    ),
    (
        BENEATH,
        f"timeline: {OF} the log that it was decided from is not what was captured. {SAW}.",
    ),
    (MODEL, f"model: {OF} release 2 cannot decide again. {REFUSAL}."),
    (
        INPUT,
        f"input: {OF} its bytes in the lake are not those that were decided. {HASHED}.",
    ),
    (_differs("input", "bytes_missing"), f"input: {OF} the lake does not hold its original bytes."),
    (
        _differs("input", "flags", "", "late"),
        f"input: {OF} by its bytes, flags was decided as nothing, and comes out as late.",
    ),
)


@pytest.mark.parametrize(("found", "told"), SENTENCES)
def test_a_decision_that_differs_is_a_sentence(found: Difference, told: str) -> None:
    assert _one(difference_lines(found)) == told


def test_a_bad_record_is_a_sentence() -> None:
    assert _one(record_lines(LABEL)) == (
        "label l-told (bank.labels/1 at 40): its bytes in the lake are not those that were captured "
        "(bytes_differ)."
    )


def test_every_stage_and_every_fault_fits_80_columns() -> None:
    found = [difference_lines(_differs(stage, "what it is", *HASHES)) for stage in STAGES]
    found += [record_lines(replace(LABEL, fault=fault)) for fault in RECORD_FAULTS]
    assert len(found) == len(STAGES) + len(RECORD_FAULTS)
    assert max(len(line) for lines in found for line in lines) <= COLUMNS
    assert all("{" not in line for lines in found for line in lines)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (replace(WHOLE, identical=8, stages={"feature": 1}, differences=[VECTOR]), "account_count_1h"),
        (replace(WHOLE, bad_record_count=1, bad_records=[LABEL]), "label l-told"),
        (replace(WHOLE, identical=0, stages={"model": 9}, differences=[MODEL] * 9), "cannot decide again"),
        (
            replace(WHOLE, identical=8, stages={"input": 1}, differences=[INPUT]),
            "those that were decided",
        ),
    ],
)
def test_each_corruption_ends_the_command_with_one(
    found: Verified,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told, as_json = _verify(found, monkeypatch, tmp_path, capsys)
    assert word in " ".join(told.split())
    assert f"{found.identical} of 9 identical" in told
    assert max(map(len, told.splitlines())) <= COLUMNS
    assert (as_json["identical"], as_json["stages"]) == (found.identical, found.stages)
    assert as_json["bad_record_count"] == found.bad_record_count


def _verify(
    found: Verified, monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[str, dict[str, object]]:
    """What the command says to a person, and as JSON, when the replayer says ``found``."""

    def lines(_: ReplayRun) -> Iterator[VerifyLine]:
        yield VerifyProgress(stage="folding", done=1, total=1)
        yield found

    monkeypatch.setattr(ReplayRun, "lines", lines)
    monkeypatch.setenv("ASSAY_KAFKA", "127.0.0.1:1")
    (folder / "lake").mkdir()
    said = []
    for words in ([], ["--json"]):
        assert run(["verify", "--data-dir", str(folder), *words]) == 1
        said.append(capsys.readouterr().out)
    return said[0], json.loads(said[1])


def _one(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)
