"""How commands answer: tables for people, one JSON document for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from services.cli.core.numbers import plain


def console() -> Console:
    """Standard output as it is now; wide where it is no terminal, so that nothing is cut."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160, soft_wrap=False)


def answer_json(value: object) -> None:
    """One JSON document; a number that is none becomes null."""
    body = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    sys.stdout.write(body.decode() + "\n")


def say(text: str) -> None:
    """One line to a person."""
    console().print(text, markup=False)


def note(text: str) -> None:
    """One line beside the answer, on standard error."""
    sys.stderr.write(f"{text}\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Columns of numbers stand right, texts left."""
    made = Table(title=title or None, title_justify="left", title_style="bold", header_style="dim")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(plain(value) for value in row))
    return made


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    console().print(table(title, columns, rows))


def show_fields(title: str, fields: Mapping[str, Any]) -> None:
    """Print names and values."""
    show_table(title, ("", ""), [(name, plain(value)) for name, value in fields.items()])


@contextmanager
def progress(label: str, total: int | None, *, quiet: bool) -> Iterator[Bar]:
    """A bar with rate and time left on standard error; nothing where it is no terminal or ``quiet``."""
    to = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=to,
        disable=quiet or not to.is_terminal,
    )
    with bar:
        yield Bar(bar, bar.add_task(label, total=total, note=""))


class Bar:
    """A progress bar that is shown."""

    def __init__(self, bar: Progress, task: Any) -> None:
        self._bar = bar
        self._task = task

    def at(self, done: int, note: str = "") -> None:
        """So much is done."""
        self._bar.update(self._task, completed=done, note=note)

    def of(self, total: int, done: int, note: str = "") -> None:
        """So much of another total is done."""
        self._bar.update(self._task, total=total, completed=done, note=note)
