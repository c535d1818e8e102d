"""`assay topics apply | diff | show | access`: the broker against the topic table, rights included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from infra.kafka.access import AccessFault
from infra.kafka.topics import TopicFault, wanted_topics
from services.cli.edge import terminal
from services.cli.edge.errors import FAULT, FINE
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.contracts.access import PRINCIPALS, access_table
from shared.contracts.topics import FOREVER, INPUT_PARTITIONS, TOPICS, topic_name

DAY_MS = 86_400_000

app = typer.Typer(help="Topics: create, compare, list.", no_args_is_help=True)


def _partitions(here: House) -> int:
    return here.state.options.partitions if here.state else INPUT_PARTITIONS


@app.command("apply")
def apply(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create topics and grant rights that are missing; what differs is reported and left alone.

    Example: assay topics apply --portfolio bank
    """
    here = house(context, data_dir, portfolio)
    kafka = here.kafka_of_operator  # first: where there is no broker, its client need not be loaded
    from infra.kafka import broker, grants

    done = broker.apply(kafka, wanted_topics([here.portfolio], _partitions(here)))
    access = grants.apply_access(kafka, [here.portfolio])
    faults: list[TopicFault | AccessFault] = [*done.faults, *access.faults]
    if as_json:
        terminal.answer_json({"created": list(done.created), "granted": access.granted, "faults": faults})
    else:
        did = f"{len(done.created)} topics created, {access.granted} rights granted"
        terminal.say(f"{did}, {len(faults)} differences.")
        _tell(faults)
    raise typer.Exit(FAULT if faults else FINE)


@app.command("diff")
def diff(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Each difference between the broker and the table, with the command that mends it.

    Example: assay topics diff
    """
    here = house(context, data_dir, portfolio)
    kafka = here.kafka_of_operator  # first of all, as in `apply`
    from infra.kafka import broker, grants

    faults: list[TopicFault | AccessFault] = [
        *broker.verify(kafka, wanted_topics([here.portfolio], _partitions(here))),
        *grants.compare_access(kafka, [here.portfolio]),
    ]
    if as_json:
        terminal.answer_json({"faults": faults})
    elif not faults:
        terminal.say("Every topic and every right is as the table says.")
    else:
        _tell(faults)
    raise typer.Exit(FAULT if faults else FINE)


def _tell(faults: Sequence[TopicFault | AccessFault]) -> None:
    for fault in faults:
        terminal.say(f"{fault.sentence}\n  {fault.fix}")


@app.command("show")
def show(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """The topic table as this portfolio sees it.

    Example: assay topics show --portfolio handbook15
    """
    here = house(context, data_dir, portfolio)
    rows: list[dict[str, Any]] = [
        {
            "topic": topic_name(here.portfolio, card.name),
            "purpose": card.purpose,
            "key": card.key,
            "records": [record.__name__ for record in card.records or ()] or ["Arrow batch"],
            "producers": list(card.producers),
            "consumers": list(card.consumers),
            "retention_days": None if card.retention_ms == FOREVER else card.retention_ms // DAY_MS,
        }
        for card in TOPICS
    ]
    if as_json:
        terminal.answer_json(rows)
        return
    table = [
        (r["topic"], ", ".join(r["records"]), r["key"], r["retention_days"] or "for ever", r["purpose"])
        for r in rows
    ]
    terminal.show_table("", ("topic", "record", "key", "days kept", "purpose"), table)


@app.command("access")
def access(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who may do what: a row per principal and topic or group. Nobody may do anything else.

    Example: assay topics access --json
    """
    here = house(context, data_dir, portfolio)
    rows = access_table(here.portfolio)
    if as_json:
        terminal.answer_json([row._asdict() for row in rows])
        return
    table = [(row.principal, row.resource, row.name, ", ".join(row.may)) for row in rows]
    terminal.show_table(f"{len(PRINCIPALS)} principals", ("principal", "on", "name", "may"), table)
