"""`make test` leaves no folder of tests out and counts right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import suites
from tests.suites import GROUPS, OTHERS, TESTS, Group, Result, counts_of, summary
from tests.support.complete import COMPLETE, missing

ROOT = Path(__file__).parents[2]
REPORT = """<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/>
<testsuite tests="2" failures="0" errors="0" skipped="0"/></testsuites>"""
SEVERAL = """
import os, pathlib, time
import pytest

@pytest.mark.parametrize("number", range(20))
def test_it(number, pytestconfig):
    with (pytestconfig.rootpath / f"ran-{number}").open("x") as file:
        file.write(str(os.getpid()))
    time.sleep(0.02)

@pytest.mark.skip("no reason but this")
def test_nothing():
    pass
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine tenths of a small run's start are plugins that it does not use."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")


def test_every_folder_of_tests_is_in_a_group_or_says_why_not() -> None:
    folders = {p.name for p in TESTS.iterdir() if p.is_dir() and not p.name.startswith(("_", "."))}

    assert folders <= {folder for group in GROUPS for folder in group.folders} | set(OTHERS)


def test_the_groups_fit_into_twenty_minutes() -> None:
    assert sum(group.minutes for group in GROUPS) < 20


def test_counts() -> None:
    assert counts_of(REPORT) == {"failed": 1, "passed": 4, "skipped": 1, "errors": 1}


def test_the_summary_ends_like_pytest_and_names_a_slow_group() -> None:
    results = [
        Result(Group("unit", ("unit",), 1), {"failed": 0, "passed": 7, "skipped": 1, "errors": 0}, 61.0, 0),
        Result(
            Group("faults", ("faults",), 1), {"failed": 1, "passed": 2, "skipped": 0, "errors": 0}, 2.0, 1
        ),
    ]
    lines = summary(results, 4.0).splitlines()

    assert lines[-1] == "1 failed, 9 passed, 1 skipped in 67.00s"
    assert lines[-4] == "modules and kernels: compiled in 4.0s"
    assert lines[-3] == "unit (unit): 7 passed, 1 skipped in 61.0s of 60s OVER ITS TIME"


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("body", "code"), [("assert True", 0), ("assert False", 1), ("", 5)])
def test_a_group_fails_when_its_tests_fail_or_are_none(body: str, code: int, tmp_path: Path) -> None:
    folder = tmp_path / "unit"
    folder.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    if body:
        (folder / "test_it.py").write_text(f"def test_it():\n    {body}\n")
    found = suites.run(Group("unit", ("unit",), 1), tmp_path)

    assert found.code == code
    assert sum(found.counts.values()) == bool(body)


@pytest.mark.usefixtures("bare")
def test_two_processes_run_each_test_once_and_show_reasons_of_skips(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "unit" / "test_it.py").write_text(SEVERAL)
    found = suites.run(Group("unit", ("unit",), 1), tmp_path)

    assert found.counts == {"failed": 0, "passed": 20, "skipped": 1, "errors": 0}
    assert len(list(tmp_path.glob("ran-*"))) == 20
    assert len({file.read_text() for file in tmp_path.glob("ran-*")}) == 2
    shown = capfd.readouterr().out
    assert "\n== unit ==\n" in shown
    assert "no reason but this" in shown


def test_ci_runs_the_commands_of_the_readme_and_lets_no_program_be_missing() -> None:
    commands = (ROOT / ".ci/run").read_text().splitlines()
    assert f"export {COMPLETE}=1" in commands
    assert [line.split(" ||")[0] for line in commands if "make " in line and line[0] != "#"] == [
        "make test-browser",
        "make test",
    ]
    assert "make test" in (ROOT / "README.md").read_text()


def test_the_makefile_explains_each_target() -> None:
    text = (ROOT / "Makefile").read_text()
    (phony,) = [line for line in text.splitlines() if line.startswith(".PHONY:")]
    told = {
        line.split(":")[0] for line in text.splitlines() if ":" in line and " ## " in line and line[0] != "\t"
    }

    assert set(phony.split()[1:]) == told


def test_what_is_missing_skips_a_test_at_home_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMPLETE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no tool here"):
        missing("no tool here")
    monkeypatch.setenv(COMPLETE, "1")
    with pytest.raises(pytest.fail.Exception, match="no tool here"):
        missing("no tool here")
