"""Options that many commands share, each with one meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer

from services.cli.edge.errors import WrongUse
from services.cli.edge.surroundings import House, Surroundings
from shared.features.durations import parse_duration

DataDirOption = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads the annotation
    typer.Option("--data-dir", help="Folder of the stack; default .assay.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
PortfolioOption = Annotated[
    Optional[str],  # noqa: UP045 - typer reads the annotation
    typer.Option(
        "--portfolio", help="Name of the portfolio; default the running stack's.", show_default=False
    ),
]
FromOption = Annotated[
    Optional[str],  # noqa: UP045 - typer reads the annotation
    typer.Option("--from", help="First moment, UTC: 2018-04-01 or 2018-04-01T12:00.", show_default=False),
]
ToOption = Annotated[
    Optional[str],  # noqa: UP045 - typer reads the annotation
    typer.Option("--to", help="Moment after the last, UTC.", show_default=False),
]


def house(context: typer.Context, data_dir: Path | None, portfolio: str | None = None) -> House:
    """The house that the command works on."""
    around = context.obj
    assert isinstance(around, Surroundings)
    return around.house(data_dir, portfolio)


def moment_ms(text: str | None, name: str) -> int | None:
    """UTC ms of a date or time on the command line. Raises WrongUse."""
    if text is None:
        return None
    if text.isdigit() and len(text) > 9:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"{name} '{text}' is no date.", "Write 2018-04-01 or 2018-04-01T12:00.") from error
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def duration_ms(text: str, name: str) -> int:
    """Milliseconds of a duration such as 7d or 90m. Raises WrongUse."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise WrongUse(f"{name} '{text}' is no duration.", "Write 7d, 12h or 90m.") from error
