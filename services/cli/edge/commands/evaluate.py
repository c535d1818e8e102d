"""`assay evaluate`: how good scores are, from captures and labels in the lake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from services.cli.core.evaluation import Draws
from services.cli.core.protocol import PUBLISHED, FraudType, Protocol
from services.cli.edge import evaluating, scored_rows, terminal
from services.cli.edge.errors import FaultFound, WrongUse
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
from shared.evaluation.assessment import HEADLINE, Terms
from shared.evaluation.fraud_metrics import PPM, Costs, Sampling
from shared.evaluation.triggers import Trigger

DAY_MS = 86_400_000
TRIGGERS: tuple[Trigger, ...] = ("strict", "any_event", "every_event")

AFPR = typer.Option(help="Threshold: the best with so many contacts per fraud account caught.", min=0.0)
THRESHOLD = typer.Option(help="Threshold as a probability, instead of --afpr.", show_default=False)
TRIGGER = typer.Option(help="What notices a fraud account: strict, any_event, every_event.")
DELAYS = typer.Option(help="VDR also with these delays.")
CONTACT_COST = typer.Option("--contact-cost-minor", help="Cost of a contact, minor units.", min=0)
MARGIN = typer.Option(help="Margin lost on genuine money declined, a share of it.", min=0.0, max=1.0)
SAMPLE = typer.Option(help="Share of such accounts that the lake holds.", min=0.0, max=1.0)
SAMPLES = typer.Option(help="Draws of accounts for the intervals; 0: none.", min=0)
AS_PUBLISHED = typer.Option("--published", help="Beside it the published function's figures, defects kept.")
REPORT = typer.Option(help="Write a report there: one HTML file.", show_default=False)
PNG = typer.Option(help="Write the charts into this folder.", show_default=False)


def evaluate(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    model: Annotated[str, typer.Option(help="Artefact, version or name; default scores as decided.")] = "",
    against: Annotated[str, typer.Option(help="A second model; paired differences.")] = "",
    from_: FromOption = None,
    to: ToOption = None,
    known_at: Annotated[str, typer.Option("--known-at", help="Labels known then; default all.")] = "",
    protocol: Annotated[str, typer.Option(help="handbook: 7 days, 7 of delay, 7 of test.")] = "",
    train_days: Annotated[int, typer.Option("--train-days", min=1)] = 7,
    delay_days: Annotated[int, typer.Option("--delay-days", min=0)] = 7,
    test_days: Annotated[int, typer.Option("--test-days", min=1)] = 7,
    afpr: Annotated[float, AFPR] = 0.25,
    threshold: Annotated[Optional[float], THRESHOLD] = None,  # noqa: UP045 - typer reads the annotation
    triggers: Annotated[str, TRIGGER] = "strict,every_event",
    contact_days: Annotated[int, typer.Option(help="Days between two contacts.", min=1)] = 30,
    delays: Annotated[str, DELAYS] = "1h,1d,3d",
    contact_cost: Annotated[int, CONTACT_COST] = 500,
    margin: Annotated[float, MARGIN] = 0.01,
    sample_fraud: Annotated[float, SAMPLE] = 1.0,
    sample_genuine: Annotated[float, SAMPLE] = 1.0,
    samples: Annotated[int, SAMPLES] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    published: Annotated[bool, AS_PUBLISHED] = False,
    report: Annotated[Optional[Path], REPORT] = None,  # noqa: UP045 - typer reads the annotation
    png: Annotated[Optional[Path], PNG] = None,  # noqa: UP045 - typer reads the annotation
    as_json: JsonOption = False,
) -> None:
    """Measure the scores of payments in the lake: ranking, accounts and money caught, whom it disturbs.

    With --protocol, --from is the first training day; the test days follow after the delay, without cards
    whose fraud was known by then. What each number means: docs/fraud-metrics.md.

    Example: assay evaluate --portfolio handbook15 --model 3f9ac2 --protocol handbook --from 2018-07-25
    """
    here = house(context, data_dir, portfolio)
    plan, from_ms, to_ms = _period(from_, to, protocol, train_days, delay_days, test_days)
    costs = Costs(contact_minor=contact_cost, margin_ppm=round(margin * PPM))
    terms = _terms(
        triggers,
        contact_days,
        delays,
        costs,
        Sampling(fraud_ratio=sample_fraud, genuine_ratio=sample_genuine),
    )
    question = evaluating.Question(terms, afpr, threshold, Draws(samples=samples, seed=seed), published)
    models = (model, against) if against else (model,)
    known_at_ms = moment_ms(known_at, "--known-at") if known_at else None
    scored = scored_rows.read(here, models, from_ms, to_ms, known_at_ms)
    if not scored.rows.height:
        raise FaultFound("There are no scored payments in this period.", "Load some with `assay ingest`.")
    ranked = scored_rows.measure(scored.rows, plan)
    found = evaluating.evaluate(scored, plan, question, here.read_portfolio())
    evaluating.write(found, report, png)
    types = [] if plan else scored_rows.recalls(scored.rows)
    _tell(here.portfolio, model or scored_rows.AS_DECIDED, plan, ranked, found, types, as_json=as_json)


def _period(
    from_: str | None, to: str | None, protocol: str, train_days: int, delay_days: int, test_days: int
) -> tuple[Protocol | None, int | None, int | None]:
    """The protocol, if one is named, and the moments between which payments are read. Raises WrongUse."""
    from_ms, to_ms = moment_ms(from_, "--from"), moment_ms(to, "--to")
    if not protocol:
        return None, from_ms, to_ms
    if protocol != "handbook" or from_ms is None:
        raise WrongUse("--protocol needs --from.", "Write --protocol handbook --from 2018-07-25.")
    plan = Protocol(from_ms // DAY_MS, train_days, delay_days, test_days)
    return plan, from_ms, from_ms + plan.days * DAY_MS


def _terms(triggers: str, contact_days: int, delays: str, costs: Costs, sampling: Sampling) -> Terms:
    """What metrics are taken at. Raises WrongUse."""
    named = tuple(dict.fromkeys(word.strip() for word in triggers.split(",")))
    chosen = tuple(trigger for trigger in TRIGGERS if trigger in named)
    if len(chosen) != len(named) or HEADLINE not in chosen:
        raise WrongUse(
            f"--triggers '{triggers}' must name strict, and of any_event and every_event those wanted."
        )
    if not (sampling.fraud_ratio and sampling.genuine_ratio):
        raise WrongUse("A sampling share is above 0.", "Leave it out where nothing was left out.")
    return Terms(
        contact_ms=contact_days * DAY_MS,
        delays_ms=tuple(duration_ms(word.strip(), "--delays") for word in delays.split(",") if word.strip()),
        costs=costs,
        sampling=sampling,
        triggers=chosen,
    )


def _tell(
    portfolio: str,
    model: str,
    plan: Protocol | None,
    ranked: Mapping[str, float | int],
    found: evaluating.Evaluation,
    types: list[FraudType],
    *,
    as_json: bool,
) -> None:
    """The figures of the ranking, beside the published ones where there are such, then all the others."""
    if as_json:
        published = {name: list(row) for name, row in PUBLISHED.items()} if plan else {}
        head = {
            "portfolio": portfolio,
            "model": model,
            **ranked,
            "published": published,
            "fraud_types": types,
        }
        terminal.answer_json({**head, "evaluation": evaluating.answer(found)})
        return
    names = ("auc_roc", "average_precision", "card_precision_100", "recall_at_1_percent_ratio")
    table: list[tuple[Any, ...]] = [(model, *(ranked[name] for name in names))]
    if plan and portfolio.startswith("handbook"):
        table += [(f"published: {name}", *row, None) for name, row in PUBLISHED.items()]
    title = f"{ranked['rows']:,} payments, {ranked['frauds']:,} frauds"
    if plan:
        title += f"; trained on {ranked['train_rows']:,} with {ranked['train_frauds']:,}"
    terminal.show_table(title, ("scores", "AUC ROC", "AP", "CP@100", "recall at 1 % FP"), table)
    if types:
        rows = [(t.fraud_type, t.frauds, t.recall_ratio) for t in types]
        terminal.show_table("Types of fraud", ("type", "frauds", "recall at 1 % FP"), rows)
    evaluating.show(found)
