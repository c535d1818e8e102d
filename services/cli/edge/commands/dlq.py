"""`assay dlq list | show`: records that could not be handled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.errors import FaultFound
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import DeadLetter
from shared.contracts.reasons import REASONS
from shared.contracts.topics import topic_name

app = typer.Typer(help="Dead letters: refused records with their bytes and reason.", no_args_is_help=True)


def _letters(here: House) -> Iterator[tuple[str, DeadLetter]]:
    """Each letter with its own place, partition:offset."""
    kafka = here.kafka  # first of all: where there is no broker, its client need not be loaded
    from shared.bus.sync import KafkaLook

    with KafkaLook(kafka) as look:
        for message in look.read_all([topic_name(here.portfolio, "dead-letters")]):
            try:
                yield f"{message.partition}:{message.offset}", decode(DeadLetter, message.value or b"")
            except DecodeError:
                continue  # a record of another version; it stays on the topic


@app.command("list")
def list_letters(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    limit: Annotated[int, typer.Option(help="Newest letters to list.", min=0)] = 20,
    as_json: JsonOption = False,
) -> None:
    """How many per reason, and the newest.

    Example: assay dlq list --portfolio bank
    """
    here = house(context, data_dir, portfolio)
    found = list(_letters(here))
    counts = Counter((letter.reason, letter.topic) for _, letter in found)
    newest = sorted(found, key=lambda pair: pair[1].at_ms)[-limit:] if limit else []
    if as_json:
        terminal.answer_json(
            {
                "count": len(found),
                "reasons": [{"reason": r, "topic": t, "count": n} for (r, t), n in counts.most_common()],
                "newest": [{"place": place, **_facts(letter)} for place, letter in newest],
            }
        )
        return
    rows = [(n, reason, topic, REASONS.get(reason, "")) for (reason, topic), n in counts.most_common()]
    terminal.show_table(f"{len(found)} dead letters", ("count", "reason", "topic", "meaning"), rows)
    if newest:
        columns = ("place", "at", "reason", "field", "origin")
        table = [
            (place, moment(d.at_ms), d.reason, d.field, f"{d.topic} {d.partition}:{d.offset}")
            for place, d in newest
        ]
        terminal.show_table("Newest", columns, table)


def _facts(letter: DeadLetter) -> dict[str, Any]:
    return {n: getattr(letter, n) for n in letter.__struct_fields__ if n not in {"v", "key", "body"}}


@app.command("show")
def show(
    context: typer.Context,
    place: Annotated[str, typer.Argument(help="partition:offset, as `assay dlq list` names it.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """One letter with its original bytes.

    Example: assay dlq show 0:3
    """
    here = house(context, data_dir, portfolio)
    letter = next((letter for found, letter in _letters(here) if found == place), None)
    if letter is None:
        raise FaultFound(f"There is no dead letter at {place}.", "See `assay dlq list`.")
    body = None if letter.body is None else letter.body.decode("utf-8", "backslashreplace")
    facts = {**_facts(letter), "body": body}
    if as_json:
        terminal.answer_json(facts)
    else:
        terminal.show_fields(f"Dead letter {place}: {REASONS.get(letter.reason, letter.reason)}", facts)
