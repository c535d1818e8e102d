"""`assay state check | rebuild`: the timelines in Redis against what was captured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from services.cli.core.numbers import size
from services.cli.edge import terminal
from services.cli.edge.captured_logs import CapturedLogs
from services.cli.edge.errors import FAULT, FINE, FaultFound, WrongUse
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.features.compiled import compile_portfolio
from shared.stores.lake_read import LakeReader
from shared.stores.portfolio_files import timeline_key
from shared.stores.timeline_admin import CheckReport, StateUsage, TimelineAdmin
from shared.stores.timeline_port import StateLost
from shared.stores.timeline_rebuild import rebuild as rebuild_logs

SHOWN = 20

app = typer.Typer(help="Entity timelines: compare with the lake, rebuild from it.", no_args_is_help=True)


@contextmanager
def _admin(here: House) -> Iterator[TimelineAdmin]:
    layout = compile_portfolio(here.read_portfolio()).layout
    admin = TimelineAdmin(here.redis, here.portfolio, layout.record_bytes, layout.hash)
    try:
        yield admin
    finally:
        admin.close()


def _logs(here: House) -> CapturedLogs:
    features = compile_portfolio(here.read_portfolio())
    return CapturedLogs(LakeReader(here.lake), features, timeline_key(here.keys))


@app.command("check")
def check(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    sample: Annotated[float, typer.Option(help="Share of the logs, 0 to 1.", min=0.0, max=1.0)] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Compare each log with the captures in the lake: missing, differing and never captured records.

    Example: assay state check --sample 0.1
    """
    here = house(context, data_dir, portfolio)
    with _admin(here) as admin:
        usage = admin.usage()
        try:
            report = admin.check(_logs(here).entries(), sample)
        except StateLost as error:
            raise FaultFound(
                "Redis holds no timelines of this portfolio.", "Run `assay state rebuild`."
            ) from error
    if as_json:
        terminal.answer_json({"whole": report.is_whole, "check": report, "usage": usage})
    else:
        _tell(report, usage)
    raise typer.Exit(FINE if report.is_whole else FAULT)


def _tell(report: CheckReport, usage: StateUsage) -> None:
    rows = [(u.entity, u.logs, u.records, size(u.bytes), u.longest_log_records) for u in usage.entities]
    columns = ("entity", "logs", "records", "bytes", "longest log")
    terminal.show_table(f"Epoch {report.epoch.number}", columns, rows)
    facts: dict[str, Any] = {
        "logs compared": report.logs,
        "records compared": report.records,
        "not captured yet": report.uncaptured_tail,
        "faults": report.finding_count,
        "rebuilding": report.epoch.rebuilding,
    }
    terminal.show_fields("The timelines are whole" if report.is_whole else "FAULTS", facts)
    for found in report.findings[:SHOWN]:
        terminal.say(
            f"{found.kind}: {found.entity} {found.entity_id}, epoch {found.epoch} index {found.index}"
        )


@app.command("rebuild")
def rebuild(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Lay the timelines down again from the lake as a new epoch, while workers go on.

    Example: assay state rebuild --yes
    """
    here = house(context, data_dir, portfolio)
    with _admin(here) as admin:
        logs = _logs(here)
        if not logs.records:
            raise WrongUse("The lake holds no captures to rebuild from.", "Load some with `assay ingest`.")
        if not yes:
            terminal.say(f"{logs.records:,} entries would be laid down as a new epoch. Add --yes to do it.")
            return
        with terminal.progress("rebuilding", logs.records, quiet=as_json) as bar:
            report = rebuild_logs(admin, logs.entries(), logs.last_epoch, lambda stage, n: bar.at(n, stage))
    if as_json:
        terminal.answer_json(report)
    else:
        terminal.say(f"Epoch {report.epoch} is in charge: {report.logs:,} logs, {report.records:,} records.")
