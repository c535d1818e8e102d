"""`make test`: every pytest suite in three timed groups, then the totals. ``python -m tests.suites``.

Modules and kernels are compiled first, once for all. Then each group runs in two processes, for two cores:
a process has a broker, a Redis and folders of its own, so nothing of one meets the other. Faults come last:
they break things, and wait for most of their time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

TESTS: Final = Path(__file__).parent
COMPILED: Final = ("services", "shared", "infra", "tests/support")
"""What processes of tests import: some machines keep no bytecode of an import."""

JAVA: Final = "-XX:TieredStopAtLevel=1"
"""A dozen brokers live for a minute each: thorough compiling took half of a start and never paid."""

SLOWEST: Final = "--durations=12"
"""Tests that each group names as its slowest: where to look when it runs over its time."""

OUTCOMES: Final = ("failed", "passed", "skipped", "errors")


@dataclass(frozen=True)
class Group:
    """Folders that run together, and the minutes they may take on two cores."""

    name: str
    folders: tuple[str, ...]
    minutes: int


GROUPS: Final = (
    Group("unit and property", ("unit", "properties", "contracts", "architecture"), 3),
    Group("integration and system", ("system", "integration"), 6),
    Group("faults", ("faults",), 5),
)
PROCESSES: Final = 2
OTHERS: Final = {
    "support": "what tests share",
    "bench": "measures, never asserts: make bench",
    "quality": "needs the published data: make quality",
    "browser": "needs Chromium: make test-browser",
}
"""Folders of tests/ in no group, and why."""


@dataclass(frozen=True)
class Result:
    """How one group ended: tests by outcome, seconds, pytest's exit code."""

    group: Group
    counts: dict[str, int]
    seconds: float
    code: int


def counts_of(report: str) -> dict[str, int]:
    """Tests by outcome in the JUnit ``report`` that pytest writes."""
    suites = list(ElementTree.fromstring(report).iter("testsuite"))

    def total(key: str) -> int:
        return sum(int(suite.get(key, 0)) for suite in suites)

    failed, errors, skipped = total("failures"), total("errors"), total("skipped")
    passed = total("tests") - failed - errors - skipped
    return {"failed": failed, "passed": passed, "skipped": skipped, "errors": errors}


def compile_ahead() -> float:
    """Compile what tests and their processes then load; the seconds it took, few when it was done before."""
    print("\n== modules and kernels ==", flush=True)
    began = time.monotonic()
    # What does not compile fails the test that wants it, with its reason: nothing to say here.
    for words in (["compileall", "-q", *COMPILED], ["tests.support.kernels"]):
        subprocess.run([sys.executable, "-m", *words], check=False, cwd=TESTS.parent)
    return time.monotonic() - began


def run(group: Group, tests: Path) -> Result:
    """Runs one group and prints what pytest prints, reasons of skips included."""
    folders = [str(tests / folder) for folder in group.folders if (tests / folder).is_dir()]
    if not folders:
        return Result(group, dict.fromkeys(OUTCOMES, 0), 0.0, 0)
    print(f"\n== {group.name} ==", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # A process without work takes tests from the other's end, so the long ones stand at the beginning.
        split = ["-n", f"{PROCESSES}", "--dist", "worksteal"]
        command = [sys.executable, "-m", "pytest", "-rs", SLOWEST, f"--junitxml={report}", *split, *folders]
        java = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {JAVA}".strip()
        code = subprocess.run(command, check=False, env={**os.environ, "JAVA_TOOL_OPTIONS": java}).returncode
        counts = counts_of(report.read_text()) if report.exists() else dict.fromkeys(OUTCOMES, 0)
    return Result(group, counts, time.monotonic() - began, code)


def summary(results: list[Result], ahead_seconds: float) -> str:
    """A line per group with its time and limit, and a closing line as pytest writes it, of all the time."""
    lines = ["", "== totals ==", f"modules and kernels: compiled in {ahead_seconds:.1f}s"]
    for r in results:
        over = " OVER ITS TIME" if r.seconds > r.group.minutes * 60 else ""
        name = f"{r.group.name} ({', '.join(r.group.folders)})"
        lines.append(f"{name}: {_words(r.counts)} in {r.seconds:.1f}s of {r.group.minutes * 60}s{over}")
    counts = {outcome: sum(r.counts[outcome] for r in results) for outcome in OUTCOMES}
    lines.append(f"{_words(counts)} in {ahead_seconds + sum(r.seconds for r in results):.2f}s")
    return "\n".join(lines)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "no tests"


def main() -> int:
    """Runs every group, also after one has failed; the exit code is 0 only if all passed."""
    ahead_seconds = compile_ahead()
    results = [run(group, TESTS) for group in GROUPS]
    print(summary(results, ahead_seconds), flush=True)
    return max(result.code for result in results)


if __name__ == "__main__":
    sys.exit(main())
