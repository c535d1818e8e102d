"""`assay simulate`: a past of the living bank as files, or a scenario in its live traffic."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import msgspec
import typer

from services.cli.edge import releasing, simulating, terminal
from services.cli.edge.errors import WrongUse
from services.cli.edge.options import (
    DataDirOption,
    JsonOption,
    PortfolioOption,
    duration_ms,
    house,
    moment_ms,
)
from services.cli.edge.surroundings import CLOCK, House

KINDS: Final = ("attack", "drift", "schema", "silent", "burst", "stop")
PATTERNS: Final = (
    "stolen_card",
    "compromised_terminal",
    "card_testing",
    "account_takeover",
    "payment_scam",
)


def simulate(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    days: Annotated[float, typer.Option(help="Days of history to write.", min=0)] = 0.0,
    out: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads the annotation
        typer.Option("--out", help="Folder for the files.", show_default=False),
    ] = None,
    end: Annotated[str, typer.Option(help="Moment after the history, UTC; default now.")] = "",
    seed: Annotated[
        Optional[int],  # noqa: UP045 - typer reads the annotation
        typer.Option(help="The world; default the setting.", min=0, show_default=False),
    ] = None,
    accounts: Annotated[
        Optional[int],  # noqa: UP045 - typer reads the annotation
        typer.Option(help="Accounts that pay; default the setting.", min=100, show_default=False),
    ] = None,
    scenario: Annotated[str, typer.Option(help="One of: " + ", ".join(KINDS) + ".")] = "",
    lasts: Annotated[str, typer.Option("--for", help="How long, such as 5m.")] = "5m",
    factor: Annotated[float, typer.Option(help="Of an attack, drift or burst: times the usual.")] = 10.0,
    pattern: Annotated[str, typer.Option(help="Of an attack: one pattern; default all.")] = "",
    caller: Annotated[str, typer.Option(help="Who is silent or changes its schema.")] = "checkout",
    as_json: JsonOption = False,
) -> None:
    """Write a past of the living bank as files, or disturb its live traffic.

    Example: assay simulate --days 30 --out history/

    Example: assay simulate --scenario attack --pattern account_takeover --for 5m
    """
    if bool(scenario) == (out is not None and days > 0):
        raise WrongUse("Files or a scenario, one of them.", "Write --days 30 --out history/, or --scenario.")
    if scenario:
        here = house(context, data_dir, portfolio)
        _disturb(here, scenario, lasts, factor, pattern, caller, as_json=as_json)
        return
    assert out is not None
    end_ms = moment_ms(end, "--end") if end else CLOCK.now_ms()
    _write(simulating.Past(days, end_ms or 0, out, seed, accounts), as_json=as_json)


def _write(past: simulating.Past, *, as_json: bool) -> None:
    with terminal.progress("days", ceil(past.days), quiet=as_json) as bar:
        written = simulating.write_past(past, bar.at)
    if as_json:
        terminal.answer_json(written)
    else:
        terminal.show_fields("History", written)
        terminal.say(f"Load it: assay ingest {past.folder}/transactions.parquet --wait")


def _disturb(
    here: House, scenario: str, lasts: str, factor: float, pattern: str, caller: str, *, as_json: bool
) -> None:
    if scenario not in KINDS:
        raise WrongUse(f"There is no scenario '{scenario}'.", f"Known are {', '.join(KINDS)}.")
    if pattern and pattern not in PATTERNS:
        raise WrongUse(f"There is no pattern '{pattern}'.", f"Known are {', '.join(PATTERNS)}.")
    seconds = max(1, duration_ms(lasts, "--for") // 1000)
    wanted: dict[str, Any] = {"factor": factor, "pattern": pattern, "caller": caller}
    try:
        request = simulating.ask_scenario(here, scenario, seconds, releasing.new_request_id(), **wanted)
    except msgspec.ValidationError as error:
        raise WrongUse(
            f"The scenario is out of bounds: {error}.", "At most a day, factor 0.01 to 1000."
        ) from None
    if as_json:
        terminal.answer_json(request)
    else:
        terminal.say(f"Asked: {scenario} for {seconds} s. `assay status` shows it while it lasts.")
