"""`assay release show | first | promote | history`: what decides, and since when."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.errors import FaultFound
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house, moment_ms
from services.cli.edge.surroundings import House
from shared.contracts.models import Release
from shared.scoring.release import Chain

app = typer.Typer(help="Releases: everything that decides, as one numbered object.", no_args_is_help=True)


def _chain(here: House) -> Chain:
    """The releases so far. Raises Away, KafkaAway."""
    kafka = here.kafka  # first of all: where there is no broker, its client need not be loaded
    from shared.stores.releases_chain import read_chain
    from shared.stores.signing import read_trusted

    return read_chain(kafka, here.read_portfolio().name, read_trusted(here.keys))


@app.command("show")
def show(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """The release in charge.

    Example: assay release show --portfolio bank
    """
    here = house(context, data_dir, portfolio)
    head = _chain(here).head
    if head is None:
        raise FaultFound(
            f"The portfolio {here.portfolio} has no release yet.",
            "Run `assay release first`, or `assay train` for one with a model.",
        )
    if as_json:
        terminal.answer_json(head)
    else:
        terminal.show_fields(f"Release {head.seq} of {here.portfolio}", _fields(head))


def _fields(release: Release) -> dict[str, Any]:
    content, policy = release.content, release.content.policy
    return {
        "since": moment(release.at_ms),
        "by": release.by,
        "reason": release.reason,
        "champion": _champion(release),
        "challenge at": policy.challenge_at,
        "review at": policy.review_at,
        "decline at": policy.decline_at,
        "feature set": content.feature_set,
        "layout": content.layout,
        "hash": release.hash,
        "signer": release.signer,
    }


def _champion(release: Release) -> str:
    champion = release.content.champion
    return f"{champion.name} {champion.version}" if champion else "none"


@app.command("first")
def first(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish release 1, which decides without a model, unless there is a release already.

    Example: assay release first --portfolio bank
    """
    here = house(context, data_dir, portfolio)
    from services.cli.edge import releasing

    release = releasing.Desk(here, here.kafka).begin()
    if as_json:
        terminal.answer_json({"published": release})
    elif release is None:
        terminal.say("There is a release already: `assay release show`.")
    else:
        terminal.say(f"Release {release.seq}: no champion yet; `assay train` makes one.")


@app.command("promote")
def promote(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Artefact hash (its beginning), version or name.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    reason: Annotated[str, typer.Option(help="Why, for release and audit.")] = "promoted by hand",
    as_json: JsonOption = False,
) -> None:
    """Publish a release with this model as champion; the model is verified first, to its golden vectors.

    Example: assay release promote 3f9ac2 --reason "better on the last week"
    """
    here = house(context, data_dir, portfolio)
    # To look at releases takes no desk; to verify a model takes the compiled kernels.
    from services.cli.edge import releasing

    desk = releasing.Desk(here, here.kafka)
    card = desk.card(model)
    head = desk.chain().head
    content = desk.content_with(card)
    release = desk.publish(content, reason, releasing.new_request_id(), head.seq if head else 0)
    if as_json:
        terminal.answer_json(release)
    else:
        before = _champion(head) if head else "none"
        terminal.say(f"Release {release.seq}: champion {_champion(release)} (before: {before}).")


@app.command("history")
def history(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    at: Annotated[str, typer.Option("--at", help="Only the release in charge then, UTC.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Every release in order; exit code 1 if records on the topic are void for a broken hash or signature.

    Example: assay release history --at 2018-08-08T12:00
    """
    here = house(context, data_dir, portfolio)
    chain = _chain(here)
    releases = list(chain.history)
    at_ms = moment_ms(at, "--at") if at else None
    if at_ms is not None:
        releases = [release for release in releases if release.at_ms <= at_ms][-1:]
    if as_json:
        terminal.answer_json({"releases": releases, "voids": chain.voids})
    else:
        rows = [(r.seq, moment(r.at_ms), r.by, _champion(r), r.reason, r.hash[:12]) for r in releases]
        terminal.show_table(
            f"Releases of {here.portfolio}", ("seq", "since", "by", "champion", "reason", "hash"), rows
        )
        for void in chain.voids:
            terminal.say(f"Record {void.position} of the topic is void: {void.reason}")
    broken = [void for void in chain.voids if void.reason != "release_conflict"]
    raise typer.Exit(1 if broken else 0)
