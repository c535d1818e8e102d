"""From scored payments to an evaluation: measured, told on the terminal, written as a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from services.cli.core import evaluation, evaluation_tables
from services.cli.core.evaluation import Draws, Measured, Value
from services.cli.core.evaluation_charts import Side, charts
from services.cli.core.evaluation_facts import Facts, Money, fact_rows, facts_of
from services.cli.core.evaluation_report import report_of
from services.cli.core.protocol import Protocol, split
from services.cli.edge import terminal
from services.cli.edge.errors import FaultFound
from services.cli.edge.scored_rows import Scored
from shared.contracts.money import MINOR_DIGITS
from shared.evaluation.assessment import Point, Terms
from shared.evaluation.payments import Labels, Payments, payments_of
from shared.features.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of scored payments. ``probability``: a threshold that is given, None for the best one."""

    terms: Terms
    afpr_limit: float
    probability: float | None
    draws: Draws
    as_published: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer: a model or two on the same payments, and how they differ where there are two."""

    facts: Facts
    sides: list[Side]
    measured: list[Measured]
    differences: dict[str, Value]


def evaluate(scored: Scored, plan: Protocol | None, question: Question, portfolio: Portfolio) -> Evaluation:
    """Measure every model on the rows, or on the protocol's test rows. Raises FaultFound without any."""
    rows = scored.rows if plan is None else scored.rows.filter(pl.Series(_tested(scored.rows, plan)))
    if not rows.height:
        raise FaultFound("No payment is left to measure.", "Choose a longer period.")
    payments = payments_of(
        rows["account_id"].to_numpy(),
        rows["event_time_ms"].to_numpy(),
        rows["amount_minor"].to_numpy(),
        rows["fraud"].to_numpy().astype(np.bool_),
        None if plan else rows["reported"].to_numpy().astype(np.bool_),
    )
    sides = [_side(scored.models[k], k, rows, payments, question) for k in range(len(scored.models))]
    measured = [
        evaluation.measured(s.label, s.found, s.point, question.draws, as_published=question.as_published)
        for s in sides
    ]
    facts = facts_of(
        payments,
        portfolio=portfolio.name,
        models=scored.models,
        population="test days, cards known by then left out" if plan else "all with a score",
        known_until_ms=scored.known_until_ms,
        maturity_days=portfolio.maturity_days,
        point=sides[0].point,
        terms=question.terms,
        draws=question.draws,
        money=Money(currency=portfolio.currency, digits=MINOR_DIGITS[portfolio.currency]),
    )
    return Evaluation(facts, sides, measured, _differences(sides, question.draws))


def answer(found: Evaluation) -> dict[str, Any]:
    """The evaluation for programs."""
    return {
        "facts": msgspec.to_builtins(found.facts),
        "models": msgspec.to_builtins(found.measured),
        "differences": msgspec.to_builtins(found.differences),
    }


def show(found: Evaluation) -> None:
    """The evaluation on the terminal."""
    money = found.facts.money
    terminal.show_table("", ("", ""), fact_rows(found.facts, found.measured))
    terminal.show_table("", *evaluation_tables.ranking_table(found.measured, money))
    for one in found.measured:
        terminal.show_table(one.model, *evaluation_tables.threshold_table(one, money))
    if found.differences:
        terminal.show_table("", *evaluation_tables.difference_table(found.differences, money))


def write(found: Evaluation, report_file: Path | None, png_folder: Path | None) -> None:
    """The report and its pictures, where they are asked for. Raises WrongUse."""
    if report_file is None and png_folder is None:
        return
    # The drawing library takes a third of a second, and most evaluations draw nothing.
    from services.cli.edge import report

    drawn = charts(found.sides, found.facts.money)
    if report_file is not None:
        page = report_of(found.facts, found.measured, found.differences, drawn)
        report.write_html(page, report_file)
    if png_folder is not None:
        report.write_pngs(drawn, png_folder)


def _side(label: str, k: int, rows: pl.DataFrame, payments: Payments, question: Question) -> Side:
    likely = rows[f"probability_{k}"]
    probabilities = None if likely.null_count() else likely.to_numpy()
    found = evaluation.assess(payments, rows[f"score_{k}"].to_numpy(), probabilities, question.terms)
    given = question.probability
    score = None if given is None else evaluation.score_at(found, given)
    return Side(label=label, found=found, point=Point(afpr_limit=question.afpr_limit, score=score))


def _differences(sides: list[Side], draws: Draws) -> dict[str, Value]:
    if len(sides) < 2:
        return {}
    new, old = sides
    return evaluation.differences(new.found, old.found, (new.point, old.point), draws)


def _tested(rows: pl.DataFrame, plan: Protocol) -> Labels:
    """(n,) the protocol's test rows."""
    return split(
        rows["event_time_ms"].to_numpy(),
        rows["account_id"].to_numpy(),
        rows["fraud"].to_numpy().astype(np.bool_),
        plan,
    ).test
