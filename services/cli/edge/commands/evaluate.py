"""`assay evaluate`: how good scores are, from captures and labels in the lake."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.core.protocol import PUBLISHED, Protocol
from services.cli.edge import scored_rows, terminal
from services.cli.edge.errors import FaultFound, WrongUse
from services.cli.edge.options import (
    DataDirOption,
    FromOption,
    JsonOption,
    PortfolioOption,
    ToOption,
    house,
    moment_ms,
)

DAY_MS = 86_400_000


def evaluate(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    model: Annotated[str, typer.Option(help="Artefact, version or name; default scores as decided.")] = "",
    from_: FromOption = None,
    to: ToOption = None,
    known_at: Annotated[str, typer.Option("--known-at", help="Labels known then; default all.")] = "",
    protocol: Annotated[str, typer.Option(help="handbook: 7 days, 7 of delay, 7 of test.")] = "",
    train_days: Annotated[int, typer.Option("--train-days", min=1)] = 7,
    delay_days: Annotated[int, typer.Option("--delay-days", min=0)] = 7,
    test_days: Annotated[int, typer.Option("--test-days", min=1)] = 7,
    as_json: JsonOption = False,
) -> None:
    """Measure the scores of payments in the lake: AUC ROC, average precision and card precision at 100.

    With --protocol, --from is the first training day; the test days follow after the delay, without cards
    whose fraud was known by then.

    Example: assay evaluate --portfolio handbook15 --model 3f9ac2 --protocol handbook --from 2018-07-25
    """
    here = house(context, data_dir, portfolio)
    plan = None
    from_ms, to_ms = moment_ms(from_, "--from"), moment_ms(to, "--to")
    if protocol:
        if protocol != "handbook" or from_ms is None:
            raise WrongUse("--protocol needs --from.", "Write --protocol handbook --from 2018-07-25.")
        plan = Protocol(from_ms // DAY_MS, train_days, delay_days, test_days)
        to_ms = from_ms + plan.days * DAY_MS
    rows = scored_rows.read(
        here, model, from_ms, to_ms, moment_ms(known_at, "--known-at") if known_at else None
    )
    if not rows.height:
        raise FaultFound("There are no scored payments in this period.", "Load some with `assay ingest`.")
    found = scored_rows.measure(rows, plan)
    answer: dict[str, Any] = {"portfolio": here.portfolio, "model": model or "as decided", **found}
    if as_json:
        published = {name: list(row) for name, row in PUBLISHED.items()} if plan else {}
        terminal.answer_json({**answer, "published": published})
        return
    names = ("auc_roc", "average_precision", "card_precision_100")
    table = [(answer["model"], *(found[name] for name in names))]
    if plan and here.portfolio.startswith("handbook"):
        table += [(f"published: {name}", *row) for name, row in PUBLISHED.items()]
    title = f"{found['rows']:,} payments, {found['frauds']:,} frauds"
    if plan:
        title += f"; trained on {found['train_rows']:,} with {found['train_frauds']:,}"
    terminal.show_table(title, ("scores", "AUC ROC", "AP", "CP@100"), table)
