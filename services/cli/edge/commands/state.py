"""`assay state`: what the timelines take in Redis; `check | rebuild`: against what was captured."""

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
from services.cli.edge.state_needs import needs
from services.cli.edge.surroundings import House
from shared.features.capacity import Capacity, logs_bytes
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.stores.lake_read import LakeReader
from shared.stores.portfolio_files import timeline_key
from shared.stores.timeline_admin import CheckReport, TimelineAdmin
from shared.stores.timeline_port import StateLost
from shared.stores.timeline_rebuild import Progress
from shared.stores.timeline_rebuild import rebuild as rebuild_logs
from shared.stores.timeline_usage import SAMPLE_LOGS, StateUsage, look

SHOWN = 20

app = typer.Typer()


@contextmanager
def _admin(here: House, features: FeatureSet) -> Iterator[TimelineAdmin]:
    layout = features.layout
    buckets = here.around.state_buckets
    admin = TimelineAdmin(here.redis, here.portfolio, layout.record_bytes, layout.hash, buckets)
    try:
        yield admin
    finally:
        admin.close()


def _logs(here: House, features: FeatureSet, quiet: bool) -> CapturedLogs:
    reader = LakeReader(here.lake)
    with terminal.progress("reading the lake", None, quiet=quiet) as bar:
        return CapturedLogs(reader, features, timeline_key(here.keys), bar.at)


@app.callback(invoke_without_command=True)
def state(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Entity timelines: what they take, check, rebuild.

    Alone it prints what they take in Redis, beside what the portfolio's [budget] expects.

    Example: assay state
    """
    if context.invoked_subcommand is not None:
        return
    here = house(context, data_dir, portfolio)
    stated = here.read_portfolio()
    features = compile_portfolio(stated)
    with _admin(here, features) as admin:
        usage = look(admin)
    formula = {u.entity: logs_bytes(features, u.entity, u.logs, u.records) for u in usage.entities}
    planned = needs(stated, features)
    if as_json:
        terminal.answer_json({"usage": usage, "formula_bytes": formula, "planned": planned})
    else:
        _show(usage, formula, planned)


def _show(usage: StateUsage, formula: dict[str, int], planned: Capacity | None) -> None:
    counted = [(u.entity, u.logs, u.records, u.longest_log_records, u.longest_log_id) for u in usage.entities]
    title = "No timelines yet" if usage.epoch is None else f"Timelines, epoch {usage.epoch.number}"
    terminal.show_table(title, ("entity", "entities", "records", "largest", "its id"), counted)
    budget = {} if planned is None else {each.entity: size(each.redis_bytes) for each in planned.entities}
    weighed = [
        (
            *(u.entity, size(u.bytes), size(u.redis_bytes), size(formula[u.entity])),
            *(size(u.redis_bytes_per_log), budget.get(u.entity)),
        )
        for u in usage.entities
    ]
    columns = ("entity", "records", "in Redis", "by formula", "each", "by budget")
    terminal.show_table("Memory", columns, weighed)
    facts: dict[str, Any] = {
        "buckets": usage.epoch.buckets if usage.epoch else None,
        "keys of other epochs": usage.other_epoch_keys,
        "all of Redis": size(usage.used_memory_bytes),
        "its limit": size(usage.max_memory_bytes) if usage.max_memory_bytes else None,
    }
    terminal.show_fields("Redis", facts)
    terminal.say(f"In Redis: MEMORY USAGE of up to {SAMPLE_LOGS:,} logs of each, carried over to all.")
    if not usage.is_complete:
        terminal.say(f"Only {usage.keys_looked_at:,} of {usage.keys:,} keys were looked at.")


def _told(bar: terminal.Bar, records: int) -> Progress:
    """Stages one after another on one bar: only the first knows how much there is."""
    return lambda stage, done: bar.of(records if stage == "lay" else max(done, 1), done, stage)


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
    features = compile_portfolio(here.read_portfolio())
    with _admin(here, features) as admin:
        usage = look(admin)
        logs = _logs(here, features, as_json)
        try:
            with terminal.progress("comparing", logs.records, quiet=as_json) as bar:
                report = admin.check(logs.entries(), sample, progress=bar.at)
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
        "trimmed": report.trimmed,
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
    features = compile_portfolio(here.read_portfolio())
    with _admin(here, features) as admin:
        logs = _logs(here, features, as_json)
        if not logs.records:
            raise WrongUse("The lake holds no captures to rebuild from.", "Load some with `assay ingest`.")
        if not yes:
            terminal.say(f"{logs.records:,} entries would be laid down as a new epoch. Add --yes to do it.")
            return
        with terminal.progress("rebuilding", logs.records, quiet=as_json) as bar:
            report = rebuild_logs(admin, logs.entries(), logs.last_epoch, _told(bar, logs.records))
    if as_json:
        terminal.answer_json(report)
    else:
        terminal.say(f"Epoch {report.epoch} is in charge: {report.logs:,} logs, {report.records:,} records.")
