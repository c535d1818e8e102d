"""Commands without a stack: help, wrong use, what needs no broker, what says that none is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.cli.core.arguments import founds, named_data_dir
from services.cli.edge.commands import settings
from services.cli.edge.program import COMMANDS as TABLE
from services.cli.edge.program import Entry, load
from services.cli.wiring import run

COMMANDS = (
    "run up down status doctor ingest export simulate train evaluate decision verify-parity settings alerts "
    "topics+apply topics+diff topics+show features+list features+check state state+check state+rebuild "
    "release+show release+first release+promote release+history dlq+list dlq+show"
).split()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASSAY_KAFKA", "ASSAY_REDIS_URL", "ASSAY_PORTFOLIO", "ASSAY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def _error(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command.split("+"), "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: assay {command.replace('+', ' ')}" in text
    assert "--data-dir" in text


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in {"run"}])
def test_every_command_answers_as_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split("+"), "--help"]) == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_an_entry_of_the_table_loads_and_says_how_its_own_help_begins(entry: Entry) -> None:
    found = load(entry)
    line = entry.line.removesuffix(".")
    assert found.name == entry.name
    assert found.help is not None
    assert found.help.startswith(line)
    assert found.help.removeprefix(line)[0] in ".,:;", "the line ends where the sentence goes on"


def test_the_list_of_commands_fits_80_columns_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [[entry.name, entry.line] for entry in TABLE]
    assert max(map(len, listed)) < 80


def test_no_command_is_the_list_of_them_and_a_wrong_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err
    assert run(["statu"]) == 2
    assert "No such command 'statu'. Did you mean 'status'" in capsys.readouterr().err


def test_a_defect_of_ours_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect() -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(settings, "_all_rows", defect)
    with pytest.raises(ZeroDivisionError) as caught:
        run(["settings"])
    assert caught.traceback[-1].name == "defect"


def test_wrong_use_is_exit_code_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["nonsense"]) == 2
    assert run(["export", "decisions"]) == 2
    folder = ["--data-dir", str(tmp_path)]
    assert run(["export", "things", "--out", "x.parquet", *folder]) == 2
    assert run(["features", "check", "--portfolio", "nobody", *folder]) == 2
    assert run(["ingest", *folder, "--portfolio", "bank", "--rate", "fast"]) == 2
    assert run(["ingest", *folder, "--portfolio", "bank", "--labels-after", "soon"]) == 2
    assert run(["evaluate", *folder, "--from", "someday"]) == 2
    assert run(["evaluate", *folder, "--protocol", "handbook"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "release show",
        "topics diff",
        "topics apply",
        "dlq list",
        "alerts",
        "state",
        "state check",
        "train",
        "ingest {file}",
    ],
)
def test_without_a_stack_it_says_so_with_the_way_out(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n")
    words = [word.format(file=file) for word in command.split()]
    assert run([*words, "--data-dir", str(tmp_path / "none"), "--json"]) == 3
    error = _error(capsys)
    assert "No stack runs" in str(error["error"])
    assert "assay up" in str(error["way_out"])


def test_a_broker_that_is_away_is_exit_code_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_KAFKA", "127.0.0.1:1")
    assert run(["topics", "diff", "--portfolio", "bank", "--data-dir", str(tmp_path)]) == 3
    assert "does not answer" in capsys.readouterr().err


def test_status_and_down_of_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["status", "--json", "--data-dir", str(tmp_path)]) == 3
    assert json.loads(capsys.readouterr().out)["running"] is False
    assert run(["down", "--json", "--data-dir", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": []}


def test_features_topics_and_settings_need_no_stack(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = ["--data-dir", str(tmp_path)]
    assert run(["features", "check", "--portfolio", "handbook15", "--json", *folder]) == 0
    assert json.loads(capsys.readouterr().out)["features"] == 15
    assert run(["features", "list", "--portfolio", "handbook15", *folder]) == 0
    assert "customer_count_7d" in capsys.readouterr().out
    assert run(["topics", "show", "--portfolio", "bank", "--json", *folder]) == 0
    assert json.loads(capsys.readouterr().out)[0]["topic"] == "bank.transactions"
    assert run(["settings", "--service", "scorer", "--json"]) == 0
    assert "ASSAY_SCORER_BATCH_RECORDS" in {r["variable"] for r in json.loads(capsys.readouterr().out)}


def test_an_empty_lake_is_a_fault_and_no_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = ["--data-dir", str(tmp_path), "--portfolio", "handbook15"]
    assert run(["decision", "tx-1", *folder]) == 1
    assert run(["evaluate", *folder]) == 1
    reference = tmp_path / "r.csv"
    reference.write_text("TRANSACTION_ID\n1\n")
    assert run(["verify-parity", "--reference", str(reference), *folder]) == 2
    assert run(["export", "labels", "--out", str(tmp_path / "l.parquet"), *folder]) == 0
    assert run(["export", "labels", "--out", str(tmp_path / "no" / "l.parquet"), *folder]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_setting_that_does_not_exist_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_CLI_COLOUR", "red")
    assert run(["settings"]) == 2
    assert "ASSAY_CLI_COLOUR" in capsys.readouterr().err


def test_what_is_known_before_the_program_is() -> None:
    assert named_data_dir(["status", "--data-dir", "x"]) == "x"
    assert named_data_dir(["status", "--data-dir=y"]) == "y"
    assert named_data_dir(["status"]) is None
    assert named_data_dir(["status", "--data-dir"]) is None
    assert named_data_dir([]) is None
    assert founds(["up"])
    assert not founds(["up", "--help"])
    assert not founds([])
