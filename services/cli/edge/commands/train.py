"""`assay train`: a candidate from captures and labels as known, and its promotion."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.edge import releasing, terminal, training
from services.cli.edge.errors import WrongUse
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house, moment_ms
from services.cli.edge.surroundings import CLOCK
from shared.contracts.models import ModelCard, Release


def train(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_of: Annotated[str, typer.Option("--as-of", help="Labels as known then, UTC; default now.")] = "",
    days: Annotated[int, typer.Option(help="Days of payments; 0 takes the portfolio's.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Seed; 0 takes the portfolio's.", min=0)] = 0,
    promote: Annotated[str, typer.Option(help="champion: publish a release with it.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for card, release and audit.")] = "asked by hand",
    timeout_s: Annotated[float, typer.Option("--timeout-s", help="How long to wait for the card.")] = 1800.0,
    as_json: JsonOption = False,
) -> None:
    """Ask the trainer for a candidate, follow it to its card, and promote it if told to.

    Example: assay train --portfolio handbook15 --as-of 2018-08-08 --days 7 --promote champion
    """
    if promote not in ("", "champion"):
        raise WrongUse(f"A model cannot be promoted to '{promote}' yet.", "Write --promote champion.")
    here = house(context, data_dir, portfolio)
    here.read_portfolio()
    request_id = releasing.new_request_id()
    as_of_ms = moment_ms(as_of, "--as-of") if as_of else CLOCK.now_ms()
    training.ask(here, as_of_ms or 0, days, reason, request_id, seed)
    with terminal.progress("training", None, quiet=as_json) as bar:
        card = training.follow(here, request_id, timeout_s, lambda s: bar.at(0, f"{s:.0f} s"))
    release = None
    if promote:
        desk = releasing.Desk(here, here.kafka)
        release = desk.publish(desk.content_with(card), reason, f"promote-{request_id}")
    if as_json:
        terminal.answer_json({"card": card, "release_seq": release.seq if release else None})
    else:
        show_card(card, release)


def show_card(card: ModelCard, release: Release | None) -> None:
    """The card for people."""
    fields: dict[str, Any] = {
        "model": f"{card.name} {card.version}",
        "artefact": card.artefact,
        "rows": card.rows,
        "frauds": card.frauds,
        **card.metrics,
    }
    if release is not None:
        fields["in charge since release"] = release.seq
    terminal.show_fields("Candidate", fields)
    if release is None:
        terminal.say(f"Promote it: assay release promote {card.artefact[:12]}")
