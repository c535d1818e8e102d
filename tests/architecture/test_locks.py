"""The lock files follow pyproject.toml and each other, and every package in them has hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.locks import differences, drift, read

ROOT = Path(__file__).parents[2]
FILES = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
PIN = """numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:ab \\
    --hash=sha256:cd
    # via assay
"""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes(name: str) -> None:
    pins = read(_text(name))

    assert pins
    assert all(pin.hashes for pin in pins)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for pin in pins for h in pin.hashes)


@pytest.mark.parametrize("name", FILES)
def test_a_lock_names_no_place_to_load_from(name: str) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", _text(name))


def test_the_locks_meet_the_project(project: dict[str, Any]) -> None:
    run = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"]

    assert drift([*run, *extras["build"]], read(_text("requirements.lock"))) == []
    assert drift([*run, *extras["build"], *extras["dev"]], read(_text("requirements-dev.lock"))) == []
    assert drift(project["dependency-groups"]["installer"], read(_text("requirements-uv.lock"))) == []


def test_what_runs_is_what_was_tested() -> None:
    assert differences(read(_text("requirements.lock")), read(_text("requirements-dev.lock"))) == []


def test_running_needs_no_tool_of_development(project: dict[str, Any]) -> None:
    names = {pin.name for pin in read(_text("requirements.lock"))}

    assert not names & {"pytest", "ruff", "mypy", "hypothesis", "import-linter", "scikit-learn"}


@pytest.mark.parametrize("wanted", ["numpy>=3", "numpy<2", "pandas", "numpy==2.4.5"])
def test_a_seeded_drift_is_caught(wanted: str) -> None:
    assert drift([wanted], read(PIN))
    assert drift(["numpy>=2"], read(PIN)) == []


@pytest.mark.parametrize(
    ("old", "new"), [("2.4.6", "2.4.5"), ("ab", "ef"), ("3.12", "3.13"), ("numpy", "numba")]
)
def test_a_seeded_difference_is_caught(old: str, new: str) -> None:
    assert differences(read(PIN), read(PIN.replace(old, new)))
    assert differences(read(PIN), read(PIN)) == []


def test_a_loose_line_is_no_pin() -> None:
    with pytest.raises(ValueError, match="no pin"):
        read("numpy>=2\n")
