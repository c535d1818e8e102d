"""`assay ingest`: files of payments and activities through Kafka in event order, labels after their delay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import msgspec
import typer

from services.cli.core.load_plan import LabelRule, LoadPlan
from services.cli.core.numbers import rate as per_second
from services.cli.core.source_labels import labels_of_file
from services.cli.core.source_rows import Refused
from services.cli.edge import loading, terminal
from services.cli.edge.abreast import PATIENCE_S
from services.cli.edge.activity_files import open_activities
from services.cli.edge.errors import FAULT, FINE, WrongUse
from services.cli.edge.load_outcome import Outcome, wait_decided
from services.cli.edge.options import (
    DataDirOption,
    FromOption,
    JsonOption,
    PortfolioOption,
    ToOption,
    duration_ms,
    house,
    moment_ms,
)
from services.cli.edge.source_files import Period, SourceFiles, find_files, read_table
from services.cli.edge.surroundings import House
from shared.features.durations import DAY_MS
from shared.features.mapping import ColumnMap, Source
from shared.features.portfolio import Portfolio

SHOWN_REFUSALS = 20


def ingest(
    context: typer.Context,
    file: Annotated[
        list[Path] | None, typer.Argument(help="Parquet, CSV or NDJSON files, or a folder.")
    ] = None,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    rate: Annotated[str, typer.Option(help="Payments per second, or max.")] = "max",
    labels_after: Annotated[
        Optional[str],  # noqa: UP045 - typer reads the annotation
        typer.Option("--labels-after", help="Label delay such as 7d; default as the mapping says."),
    ] = None,
    labels: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads the annotation
        typer.Option("--labels", help="Labels in a file of their own, instead of those beside the payments."),
    ] = None,
    activities: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads the annotation
        typer.Option("--activities", help="Parquet file whose columns are named as an activity's fields."),
    ] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="No labels.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until everything is decided.")] = False,
    end_load: Annotated[str, typer.Option("--end-load", help="End a load that could not end itself.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Stream files of payments through Kafka, with activities, and labels when they became known.

    Example: assay ingest payments/ --portfolio handbook15 --to 2018-08-15 --labels-after 7d --wait
    """
    here = house(context, data_dir, portfolio)
    if end_load:
        loading.load(here.kafka, here.portfolio, iter(()), None, lambda *_: None, end_load)
        terminal.say(f"Load {end_load} is ended on every partition.")
        return
    read = here.read_portfolio()
    delay_ms = None if labels_after is None else duration_ms(labels_after, "--labels-after")
    period = Period(moment_ms(from_, "--from"), moment_ms(to, "--to"))
    rule = _rule(read, delay_ms, beside=labels is None and not no_labels)
    beside = Beside(labels, activities)
    report = ingest_files(here, file or [], period, rule, beside, _rate(rate), wait=wait, quiet=as_json)
    _tell(report, as_json=as_json)
    raise typer.Exit(FAULT if report.is_faulty else FINE)


class Beside(msgspec.Struct, frozen=True):
    """Files that go with the payments: labels instead of the mapping's, activities."""

    labels: Path | None = None
    activities: Path | None = None


class Report(msgspec.Struct, frozen=True):
    """What a load came to. ``refused`` counts rows that were no records, by reason code; ``alone`` how often
    several scorers did not follow, so that the load went on without them.
    """

    load_id: str
    transactions: int
    activities: int
    labels: int
    seconds: float
    per_second: float
    interrupted: bool
    refused: dict[str, int]
    refused_rows: list[dict[str, Any]]
    alone: int = 0
    outcome: Outcome | None = None

    @property
    def is_faulty(self) -> bool:
        """Whether a row was refused, the load is not whole, or its scorers may have lost the order."""
        late = self.outcome is not None and bool(self.outcome.refused)
        return bool(self.refused) or self.interrupted or bool(self.alone) or late


def ingest_files(
    here: House,
    places: Sequence[Path],
    period: Period,
    rule: LabelRule,
    beside: Beside,
    rate: float | None,
    *,
    wait: bool,
    quiet: bool,
) -> Report:
    """Load files and tell what came of it. Raises WrongUse, Away, LogAway."""
    read = here.read_portfolio()
    source = source_of(read)
    paths: list[Path] = []
    for place in places:
        found, others = find_files(place, source)
        paths += found
        for other in others:
            if other in (beside.labels, beside.activities):
                continue
            terminal.note(f"{other.name} holds no payments of this mapping; left out.")
    if not paths:
        raise WrongUse("No file was named.", "Example: assay ingest payments.parquet --portfolio bank.")
    kafka = here.kafka
    files = SourceFiles(paths, source, with_labels=rule.beside, period=period)
    plan = LoadPlan(source, rule)
    if beside.labels is not None:
        plan.add_labels(labels_of_file(read_table(beside.labels)))
    if beside.activities is not None:
        plan.add_activities(open_activities(beside.activities, len(paths), period))
        paths.append(beside.activities)
    with terminal.progress("loading", files.rows, quiet=quiet) as bar:
        sent = loading.load(
            kafka,
            read.name,
            plan.steps(files.batches()),
            rate,
            lambda done: bar.at(done["transactions"], _so_far(done)),
        )
    outcome = wait_decided(kafka, read.name, sent, quiet=quiet) if wait else None
    refused = [*files.refused, *plan.refused]
    return Report(
        load_id=sent.load_id,
        transactions=sent.transactions,
        activities=sent.activities,
        labels=sent.labels,
        seconds=round(sent.seconds, 3),
        per_second=round(per_second(sent.transactions, sent.seconds), 1),
        interrupted=sent.interrupted,
        refused=dict(Counter(row.code for row in refused)),
        refused_rows=[_named(row, paths) for row in refused[:SHOWN_REFUSALS]],
        alone=sent.alone,
        outcome=outcome,
    )


def _so_far(done: Mapping[str, int]) -> str:
    others = [(done[lane], lane) for lane in ("activities", "labels")]
    return ", ".join(f"{count:,} {lane}" for count, lane in others if count)


def source_of(read: Portfolio) -> Source:
    """The portfolio's mapping; a payment without a currency column is in the portfolio's. Raises WrongUse."""
    if not read.source.fields:
        raise WrongUse(
            f"The portfolio {read.name} does not say how to read files.", "Add [source.fields] to its TOML."
        )
    currency = {"currency": ColumnMap(constant=read.currency)}
    return msgspec.structs.replace(read.source, fields={**currency, **read.source.fields})


def _rule(read: Portfolio, delay_ms: int | None, *, beside: bool) -> LabelRule:
    if delay_ms is None:
        return LabelRule(beside, read.label_delay_days * DAY_MS, as_mapped=True)
    return LabelRule(beside, delay_ms, as_mapped=False)


def default_rule(read: Portfolio) -> LabelRule:
    """Labels beside the payments, known when the mapping says."""
    return _rule(read, None, beside=True)


def _rate(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise WrongUse(f"--rate '{text}' is no number.", "Write payments per second, or max.") from error
    if not 0 < value < 1e9:
        raise WrongUse(f"--rate {text} is no rate.", "Write payments per second, or max.")
    return value


def _named(row: Refused, paths: Sequence[Path]) -> dict[str, Any]:
    return {"file": paths[row.file].name, "row": row.row, "code": row.code, "field": row.field}


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        terminal.answer_json(report)
        return
    for row in report.refused_rows:
        terminal.say(f"refused: {row['file']} row {row['row']}: {row['code']} {row['field']}".rstrip())
    if report.alone:
        terminal.note(
            f"The scorers did not follow within {PATIENCE_S:.0f} s, {report.alone} times, and the load went "
            "on: windows over what other accounts did may have missed some of it. Look at `assay status`."
        )
    fields: dict[str, Any] = {
        "payments sent": report.transactions,
        "activities sent": report.activities,
        "labels sent": report.labels,
        "rows refused": sum(report.refused.values()),
        "seconds": report.seconds,
        "payments per second": report.per_second,
    }
    if report.outcome is not None:
        fields |= {
            "decisions": report.outcome.decisions,
            "seconds until decided": report.outcome.seconds,
            "decided per second": report.outcome.per_second,
            "seconds until archived": report.outcome.archived_seconds,
            "refused by the scorer": sum(report.outcome.refused.values()),
        }
    title = f"Load {report.load_id}" + (" (interrupted)" if report.interrupted else "")
    terminal.show_fields(title, fields)
