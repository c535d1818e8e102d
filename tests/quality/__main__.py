"""``make quality``: Kafka in, captures out, on the published data; ``python -m tests.quality``.

A stack of its own loads the handbook's payments from April to mid August. Then, by the command `assay`
alone, its captures are compared with the published inputs, the published week is trained and scored from
them, and labels are flipped that nobody may know yet. A second stack, with the 32 inputs and two scorers,
loads April to August, compares again, trains and scores three test weeks, and makes a month's decisions
again. A third stack does the same with another schema, by its portfolio file alone. Needs
``../shared/data``; without the handbook's all is skipped, without the other schema's that part. ``--only``
runs one of the three.

Exit codes: 0 all promises kept, or skipped; 1 one is broken, or a command failed; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.quality import report, second_schema, steps
from tests.quality.figures import Figures
from tests.quality.house import House, StepFailed, house, require_room
from tests.quality.report import Told, document
from tests.quality.verdicts import Check, checks
from tests.support import handbook, sparkov

PORTFOLIO: Final = "handbook15"
RECIPE: Final = "handbook"
PARTS: Final = {"parity": 5, "recipe": 5, "schema": 3}
"""The stacks of a run, and the steps of each."""
WORKERS: Final = {"recipe": 2}
"""Scorers of a stack that has more than one: what they decide must not depend on how many they are."""


def main() -> int:
    """Run, tell, write; the exit code."""
    given = _arguments()
    if reason := sparkov.absence() if given.only == "schema" else handbook.absence():
        print(f"quality: skipped: {reason}")
        report.write(document("skipped", reason, Figures(), (), _machine()), given.json)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the stack goes down on every road out
    parts = _parts(given.only)
    figures, told, machine, reason = Figures(), Told(sum(PARTS[part] for part in parts)), _machine(), ""
    figures.step_seconds = told.step_seconds
    told.say(f"Assay on the handbook's data; load average before: {machine['load_average']:.1f}")
    try:
        require_room(given.keep)
        for part in parts:
            portfolio, run = RUNS[part]
            with house(portfolio, WORKERS.get(part, 1), given.keep and given.keep / part) as here:
                run(here, told, figures)
    except StepFailed as failed:
        reason = str(failed)
    except KeyboardInterrupt:
        told.say("quality: interrupted; the stack is down")
        return 130
    judged = checks(figures)
    told.show(figures, judged)
    verdict = "failed" if reason or _faults(judged) else "passed"
    told.say(_last_line(verdict, reason, judged, given.keep))
    report.write(document(verdict, reason, figures, judged, machine), given.json)
    return 0 if verdict == "passed" else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="use this data dir and keep it; default a temporary one"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    return parser.parse_args()


def _parts(only: str | None) -> list[str]:
    """The parts to run; what lacks its data is left out, and said."""
    parts = [part for part in PARTS if only in (None, part)]
    if only is None and (reason := sparkov.absence()):
        print(f"quality: second schema skipped: {reason}")
        parts.remove("schema")
    return parts


def _run(here: House, told: Told, figures: Figures) -> None:
    """Every step in order. Raises StepFailed."""
    with told.step("stack", "start Kafka, Redis and the services"):
        here.up()
    with told.step("load", "payments of April to 14 August, labels after 7 days"):
        figures.load, figures.spent = steps.load(here)
    with told.step("parity", "captured inputs against the published ones"):
        figures.parity = steps.parity(here)
    with told.step("week", "train and score the chapter 3 week from captures"):
        figures.week = steps.week(here)
    with told.step("flip", "flip labels that nobody may know yet"):
        figures.flip = steps.flip(here)


def _run_recipe(here: House, told: Told, figures: Figures) -> None:
    """The 32 inputs, step by step. Raises StepFailed."""
    with told.step("stack 32", "start a stack with the 32 inputs and two scorers"):
        here.up()
    with told.step("load 32", "payments of April to 28 August, labels after 7 days"):
        figures.recipe_load, _ = steps.load(here, steps.FOLDS_END)
    with told.step("parity 2", "what two scorers captured against the published inputs"):
        figures.parity_of_two = steps.parity(here)
    with told.step("folds", "train and score three test weeks from captures"):
        figures.folds = steps.folds(here)
    with told.step("verify", "make the decisions of June again"):
        figures.proof = steps.proof(here)


def _run_schema(here: House, told: Told, figures: Figures) -> None:
    """The other schema, step by step. Raises StepFailed."""
    with told.step("stack 2nd", "start a stack with the second schema"):
        here.up()
    with told.step("load 2nd", "a year of payments, labels after 7 days"):
        figures.second_load = second_schema.load(here)
    with told.step("schema", "train on captures, score the last quarter"):
        figures.second = second_schema.measured(here)


RUNS: Final[dict[str, tuple[str, Callable[[House, Told, Figures], None]]]] = {
    "parity": (PORTFOLIO, _run),
    "recipe": (RECIPE, _run_recipe),
    "schema": (second_schema.PORTFOLIO, _run_schema),
}


def _machine() -> dict[str, Any]:
    """What the times depend on."""
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _faults(judged: list[Check]) -> list[str]:
    return [check.what.strip() for check in judged if check.judgement == "FAULT"]


def _last_line(verdict: str, reason: str, judged: list[Check], keep: Path | None) -> str:
    if verdict == "passed":
        return "quality: passed"
    why = "; ".join([*_faults(judged), *([reason] if reason else [])])
    hint = "" if keep else " (keep the stack's data and logs with --keep DIR)"
    return f"quality: FAILED: {why}{hint}"


if __name__ == "__main__":
    sys.exit(main())
