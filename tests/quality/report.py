"""How a run is told: lines while it goes, one screen at its end, one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.quality.figures import Figures, Fold, Load, Parity, SecondSchema, Spent, Week
from tests.quality.verdicts import Check

WIDTH: Final = 100
STYLES: Final = {"ok": "green", "below": "yellow", "FAULT": "bold red"}


class Told:
    """Prints as the run goes; `step_seconds` are its steps' times."""

    def __init__(self, steps: int) -> None:
        self._console = Console(highlight=False, width=WIDTH if not sys.stdout.isatty() else None)
        self._steps = steps
        self.step_seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[None]:
        """One step: told when it begins, timed until it ends; a clock runs meanwhile on a terminal."""
        number = len(self.step_seconds) + 1
        line = f"{number}/{self._steps}  {name:8} {what}"
        begun = monotonic()
        spinner = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        if not self._console.is_terminal:
            self.say(f"{line} ...")
        with spinner:
            spinner.add_task(line, total=None)
            try:
                yield
            finally:
                self.step_seconds[name] = monotonic() - begun
        self.say(f"{line}  {self.step_seconds[name]:.1f} s")

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def show(self, figures: Figures, checks: Sequence[Check]) -> None:
        """The screen at the end."""
        self._console.print()
        if figures.parity is not None:
            self._console.print(_parity(figures.parity))
            self.say(_pairs(figures.parity))
        if figures.load is not None and figures.spent is not None:
            self._console.print(_spent(figures.spent, figures.load))
        if figures.week is not None:
            self._console.print(_week(figures.week))
        if figures.folds:
            self._console.print(_folds(figures.folds))
        if figures.second is not None:
            self._console.print(_second(figures.second))
        self._console.print(_checks(checks))


def _table(title: str, columns: Sequence[str], right_from: int = 1, right_to: int = 99) -> Table:
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if right_from <= index <= right_to else "left")
    return made


def _parity(parity: Parity) -> Table:
    title = f"Captured inputs against the reference: {parity.compared:,} rows"
    made = _table(title, ("reference column", "input", "mismatches", "in same-second pairs"), right_from=2)
    for column in parity.columns:
        made.add_row(column.column, column.feature, f"{column.mismatches:,}", f"{column.in_pairs:,}")
    return made


def _pairs(parity: Parity) -> str:
    lines = [
        f"same account, same second, other order there: {one} and {other}" for one, other in parity.pairs
    ]
    lines += [f"DIFFERS: {tx_id}" for tx_id in parity.differing]
    return "\n".join([*lines, ""])


def _spent(spent: Spent, load: Load) -> Table:
    title = f"CPU of the load: {spent.seconds:.1f} s on {os.cpu_count()} cores"
    made = _table(title, ("part", "CPU s", "us per payment", "of one core"))
    rows = sorted(spent.by_part.items(), key=lambda pair: -pair[1])
    for part, seconds in [*rows, ("all", sum(spent.by_part.values()))]:
        each, share = seconds / max(load.payments, 1) * 1e6, seconds / max(spent.seconds, 1e-9)
        made.add_row(part, f"{seconds:.1f}", f"{each:.1f}", f"{share:.0%}")
    return made


def _week(week: Week) -> Table:
    title = "Chapter 3 week: 25 to 31 July, then 8 to 14 August"
    made = _table(title, ("scores", "AUC ROC", "AP", "CP@100"))
    ours = (week.auc_roc, week.average_precision, week.card_precision_100)
    for name, row in [
        (f"Assay, {week.model}", ours),
        *((f"published: {n}", r) for n, r in week.published.items()),
    ]:
        made.add_row(name, *(f"{value:.3f}" for value in row))
    return made


def _folds(folds: Sequence[Fold]) -> Table:
    title = "32 inputs, 28 days of training, mean of three fits; accounts and money within an AFPR of 0.25"
    columns = ("trained from", "AUC ROC", "AP", "CP@100", "ADR", "VDR", "ADR strict", "VDR strict")
    made = _table(title, columns)
    for fold in folds:
        ranking = (fold.auc_roc, fold.average_precision, fold.card_precision_100)
        caught = (fold.adr, fold.vdr, fold.adr_strict, fold.vdr_strict)
        made.add_row(fold.first_training_day, *(f"{value:.3f}" for value in (*ranking, *caught)))
    return made


def _second(found: SecondSchema) -> Table:
    title = (
        f"Second schema by its portfolio alone: {found.test_rows:,} payments, {found.test_frauds:,} frauds"
    )
    made = _table(title, ("inputs", "number", "AP", "recall at 1 % FP"))
    for group in found.groups:
        ranking = (group.average_precision, group.recall)
        made.add_row(f"one fit: + {group.title}", str(group.features), *(f"{value:.3f}" for value in ranking))
    ours = (found.average_precision, found.recall)
    inputs = str(found.groups[-1].features) if found.groups else ""
    made.add_row(f"Assay, {found.model}", inputs, *(f"{value:.3f}" for value in ours))
    return made


def _checks(checks: Sequence[Check]) -> Table:
    made = _table("Checks", ("", "found", "wanted", ""), right_to=2)
    for check in checks:
        style = STYLES[check.judgement]
        made.add_row(check.what, check.found, check.wanted, f"[{style}]{check.judgement}[/{style}]")
    return made


def document(
    verdict: str, reason: str, figures: Figures, checks: Sequence[Check], machine: dict[str, Any]
) -> dict[str, Any]:
    """All figures of a run."""
    judged = [check._asdict() for check in checks]
    return {"verdict": verdict, "reason": reason, "machine": machine, "checks": judged, **asdict(figures)}


def write(found: dict[str, Any], path: Path | None) -> None:
    """The document, where a file is named. Raises OSError."""
    if path is not None:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
