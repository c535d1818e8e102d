"""What the report of an evaluation says, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from services.cli.core.evaluation import Measured, Value
from services.cli.core.evaluation_charts import Chart
from services.cli.core.evaluation_facts import Facts, Money, fact_rows
from services.cli.core.evaluation_tables import (
    cell,
    difference_table,
    ranking_table,
    threshold_table,
    title,
)
from services.cli.core.numbers import moment
from shared.evaluation.assessment import HEADLINE

TILES = ("adr_ratio", "vdr_ratio", "afpr_ratio", "net_saving_minor")


class Tile(Struct, frozen=True, kw_only=True):
    """A headline figure."""

    name: str
    value: str
    note: str


class Sheet(Struct, frozen=True, kw_only=True):
    """A table under a title; the first column names the row."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


class Report(Struct, frozen=True, kw_only=True):
    """The page."""

    title: str
    subtitle: str
    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    sheets: Sequence[Sheet]


def report_of(
    facts: Facts, measured: Sequence[Measured], differences: Mapping[str, Value], drawn: Sequence[Chart]
) -> Report:
    """The page of an evaluation; figures in its tiles are the first model's."""
    money = facts.money
    sheets = [
        Sheet(title=f"At the threshold: {one.model}", heads=heads, rows=rows)
        for one in measured
        for heads, rows in [threshold_table(one, money)]
    ]
    heads, rows = ranking_table(measured, money)
    sheets.append(Sheet(title="Over all thresholds", heads=heads, rows=rows))
    if differences:
        heads, rows = difference_table(differences, money)
        sheets.append(Sheet(title="First model less the second", heads=heads, rows=rows))
    sheets.append(Sheet(title="What the numbers are taken at", heads=(), rows=fact_rows(facts, measured)))
    return Report(
        title=f"{facts.portfolio}: {' against '.join(facts.models)}",
        subtitle=f"{facts.payments:,} payments with {facts.frauds:,} frauds, {moment(facts.from_ms)} to "
        f"{moment(facts.to_ms)} UTC, {facts.population}.",
        tiles=_tiles(measured[0], money),
        charts=drawn,
        sheets=sheets,
    )


def _tiles(found: Measured, money: Money) -> list[Tile]:
    threshold = found.thresholds[HEADLINE].metrics
    chosen = {"average_precision": found.ranking["average_precision"], **{n: threshold[n] for n in TILES}}
    return [
        Tile(
            name=title(name),
            value=cell(name, Value(value=value.value), money),
            note=_note(name, value, money),
        )
        for name, value in chosen.items()
    ]


def _note(name: str, value: Value, money: Money) -> str:
    unit = f"{money.currency}, " if name == "net_saving_minor" else ""
    if value.low is None or value.high is None:
        return f"{unit}no interval"
    low, high = (cell(name, Value(value=bound), money) for bound in (value.low, value.high))
    return f"{unit}{low} to {high}"
