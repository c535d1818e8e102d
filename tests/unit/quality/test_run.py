"""What `make quality` does around its steps: skip, refuse, tell, take the stack down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.features.portfolio import parse_portfolio
from tests.quality import __main__ as quality
from tests.quality import house as houses
from tests.quality import second_schema, steps
from tests.quality.house import House, StepFailed, house, require_room
from tests.support import handbook, sparkov


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["quality", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return quality.main()


def test_without_the_data_it_says_so_and_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(handbook, "absence", lambda: "there is no such folder")
    assert _run(monkeypatch, "--json", str(tmp_path / "found.json")) == 0
    assert capsys.readouterr().out == "quality: skipped: there is no such folder\n"
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["verdict"], found["reason"]) == ("skipped", "there is no such folder")


def test_absence_names_the_folder_or_the_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    months = tuple(tmp_path / "here" / f"{month}.parquet" for month in range(5))
    reference = tmp_path / "here" / "reference.parquet"
    monkeypatch.setattr(handbook, "FOLDER", tmp_path / "here")
    monkeypatch.setattr(handbook, "MONTHS", months)
    monkeypatch.setattr(handbook, "REFERENCE", reference)
    assert handbook.absence().endswith(f"there is no {tmp_path / 'here'}")
    (tmp_path / "here").mkdir()
    for path in months:
        path.touch()
    assert handbook.absence().endswith(f"there is no {reference}")
    reference.touch()
    assert handbook.absence() == ""


def test_a_command_that_fails_ends_the_run_with_its_own_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended: list[str] = []

    def fail(_: House) -> None:
        raise StepFailed("assay ingest ended with 3: Kafka is away.")

    monkeypatch.setattr(handbook, "absence", lambda: "")
    monkeypatch.setattr(sparkov, "absence", lambda: "")
    monkeypatch.setattr(House, "up", lambda self: ended.append("up"))
    monkeypatch.setattr(House, "down", lambda self: ended.append("down"))
    monkeypatch.setattr(steps, "load", fail)
    assert _run(monkeypatch, "--json", str(tmp_path / "found.json")) == 1
    said = capsys.readouterr().out
    assert "1/13  stack" in said
    assert said.splitlines()[-1].startswith("quality: FAILED: assay ingest ended with 3: Kafka is away.")
    assert ended == ["up", "down"]
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["verdict"], found["load"], list(found["step_seconds"])) == (
        "failed",
        None,
        ["stack", "load"],
    )


def test_a_kept_folder_stays_and_a_temporary_one_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(House, "down", lambda self: None)
    with house("handbook15", 1, tmp_path / "kept") as here:
        (here.folder / "x").touch()
    assert (tmp_path / "kept" / "x").exists()
    with pytest.raises(StepFailed, match="not empty"):
        require_room(tmp_path / "kept")
    with house("handbook15", 2, None) as here:
        assert here.folder.is_dir()
    assert not here.folder.exists()


def test_a_disk_without_room_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(houses, "LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(StepFailed, match="too little room"):
        require_room(None)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            'note\n{"error": "No stack runs.", "way_out": "Start one.", "exit_code": 3}',
            "No stack runs. Start one.",
        ),
        ("Killed", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_a_failed_command_is_told_by_its_own_words(
    said: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = subprocess.CompletedProcess(["assay"], 3, "", said)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    with pytest.raises(StepFailed, match=rf"^assay status ended with 3: {reason}$"):
        House(tmp_path, "handbook15", 1).ask("status")


def test_one_part_can_be_run_alone_and_one_without_its_data_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sparkov, "absence", lambda: "there is no such file")
    assert quality._parts(None) == ["parity", "recipe"]
    assert capsys.readouterr().out == "quality: second schema skipped: there is no such file\n"
    assert quality._parts("recipe") == ["recipe"]
    monkeypatch.setattr(sparkov, "absence", lambda: "")
    assert quality._parts("schema") == ["schema"]
    assert sum(quality.PARTS.values()) == 13


def test_every_feature_of_the_second_schema_is_in_a_group() -> None:
    names = [f.name for f in parse_portfolio(second_schema.FILE.read_text(), "").features]
    beginnings = tuple(b for _, group in second_schema.GROUPS for b in group)
    assert [name for name in names if not name.startswith(beginnings)] == []
