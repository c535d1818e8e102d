"""`assay verify`: every decision of a period, recomputed from raw bytes and the append log alone."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.local.replay_run import ReplayRun
from services.cli.core.numbers import moment
from services.cli.core.proof import difference_lines, record_lines
from services.cli.edge import terminal
from services.cli.edge.errors import FAULT, FINE, Away, FaultFound, WrongUse
from services.cli.edge.options import (
    DataDirOption,
    FromOption,
    JsonOption,
    PortfolioOption,
    ToOption,
    house,
    moment_ms,
)
from services.cli.edge.surroundings import House
from shared.contracts.verification import Verified, VerifyFailed, VerifyProgress

SHOWN = 20


def verify(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    processes: Annotated[int, typer.Option(help="0: one per processor.", min=0, max=256)] = 0,
    as_json: JsonOption = False,
) -> None:
    """Recompute decisions and compare to the bit: all of a period, from raw bytes and the append log.

    Captured vectors are compared with, never read as input. Each decision that differs is named with the
    first stage that does: input, timeline, feature, model, calibration, policy, core.

    Example: assay verify --from 2018-04-01 --to 2018-05-01
    """
    here = house(context, data_dir, portfolio)
    if not here.lake.is_dir():
        raise WrongUse(f"There is no lake in {here.data.root}.", "Name the stack's folder with --data-dir.")
    here.read_portfolio()
    from_ms, to_ms = moment_ms(from_, "--from"), moment_ms(to, "--to")
    found = _run(here, from_ms, to_ms, processes, quiet=as_json)
    if as_json:
        terminal.answer_json(found)
    else:
        _tell(found)
    raise typer.Exit(FINE if found.is_whole else FAULT)


def _run(here: House, from_ms: int | None, to_ms: int | None, processes: int, *, quiet: bool) -> Verified:
    """The answer. Raises Away, FaultFound, StackError."""
    kafka = here.kafka_as("replayer")
    run = ReplayRun(here.data, kafka, here.portfolio, here.portfolio_file, from_ms, to_ms, processes)
    with terminal.progress("verifying", None, quiet=quiet) as bar:
        for line in run.lines():
            match line:
                case VerifyProgress():
                    bar.of(line.total, line.done, line.stage)
                case VerifyFailed():
                    raise (Away if line.is_away else FaultFound)(
                        f"{line.sentence}.", "Look at `assay status`."
                    )
                case Verified():
                    return line
    raise FaultFound("The replayer ended without an answer.", f"Look at {here.data.log('replayer')}.")


def _tell(found: Verified) -> None:
    span = " to ".join("..." if at is None else moment(at) for at in (found.from_ms, found.to_ms))
    per_second = found.decisions / found.seconds if found.seconds else 0.0
    terminal.show_fields(
        f"Decisions of {found.portfolio}, {span}",
        {
            "releases": ", ".join(map(str, found.releases)) or "none",
            "models": ", ".join(found.models) or "none",
            "records of the log": found.records,
            "seconds": f"{found.seconds:.1f}, {per_second:,.0f} decisions/s",
        },
    )
    if found.stages:
        rows = [(stage, count) for stage, count in found.stages.items()]
        terminal.show_table("The first stage that differs", ("stage", "decisions"), rows)
    told = [difference_lines(difference) for difference in found.differences[:SHOWN]]
    told += [record_lines(bad) for bad in found.bad_records[:SHOWN]]
    for lines in told:
        terminal.say("\n".join(lines))
    _tell_beyond(found)
    terminal.say(f"{found.identical:,} of {found.decisions:,} identical")


def _tell_beyond(found: Verified) -> None:
    differing = found.decisions - found.identical
    if differing > SHOWN:
        terminal.say(f"and {differing - SHOWN:,} more decisions that differ; --json names up to 100")
    if found.bad_record_count:
        terminal.say(f"{found.bad_record_count:,} records of the log are not what was captured")
    if found.gaps:
        terminal.say(
            f"{found.gaps:,} indices are captured nowhere: copies that a worker appended and died over,"
        )
        terminal.say("or records that were lost; see docs/operate.md")
