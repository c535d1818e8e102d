"""`assay keys add | list | revoke`: who may ask the front door for what."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import msgspec
import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.errors import WrongUse
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.client import Client, Key, NewKey
from shared.client.answers import KeyAction

app = typer.Typer(help="API keys of the front door.", no_args_is_help=True)

ACTIONS = get_args(KeyAction)
TIMEOUT_MS = 15_000
COLUMNS = ("id", "name", "allows", "rate", "details", "ends", "revoked")


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who will use it; also the caller that payments carry.")],
    allow: Annotated[
        str, typer.Option(help=f"What it may do, comma separated: {', '.join(ACTIONS)}.")
    ] = "decide,read",
    rate: Annotated[float, typer.Option(help="Payments or items per second.", min=0.001)] = 1_000.0,
    burst: Annotated[int, typer.Option(help="How many at once.", min=1)] = 200,
    days: Annotated[float, typer.Option(help="How long it is good for.", min=0.001)] = 365.0,
    details: Annotated[bool, typer.Option(help="Whether it sees scores and reasons.")] = True,
    bare: Annotated[bool, typer.Option("--bare", help="Print the key and nothing else.")] = False,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once.

    Example: assay keys add checkout --allow decide,read --rate 500
    """
    asked = NewKey(
        name=name, actions=_actions(allow), details=details, rate_per_s=rate, burst=burst, days=days
    )
    with _gateway(house(context, data_dir, portfolio)) as gateway:
        made = gateway.add_key(asked)
    if as_json:
        terminal.answer_json(msgspec.to_builtins(made))
        return
    typer.echo(made.key)  # as it is: a terminal that wraps it would break it
    if not bare:
        terminal.say(f"Keep it: nobody can show it again. It ends {moment(made.expires_at_ms)}.")


@app.command("list")
def list_keys(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key, without its secret.

    Example: assay keys list
    """
    with _gateway(house(context, data_dir, portfolio)) as gateway:
        keys = gateway.keys()
    if as_json:
        terminal.answer_json({"keys": msgspec.to_builtins(keys)})
    elif not keys:
        terminal.say("There are no keys yet: `assay keys add NAME` makes one.")
    else:
        terminal.show_table("Keys", COLUMNS, [_row(key) for key in keys])


@app.command("revoke")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `assay keys list` shows it.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key now; every gateway knows within about a second.

    Example: assay keys revoke 0f1e2d3c4b5a
    """
    with _gateway(house(context, data_dir, portfolio)) as gateway:
        gateway.revoke_key(key_id)
    if as_json:
        terminal.answer_json({"revoked": key_id})
    else:
        terminal.say(f"{key_id} is revoked.")


def _gateway(here: House) -> Client:
    return Client(here.gateway, here.operator_key, timeout_ms=TIMEOUT_MS)


def _actions(text: str) -> tuple[KeyAction, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [word for word in words if word not in ACTIONS]
    if unknown or not words:
        raise WrongUse(
            f"A key cannot allow '{unknown[0] if unknown else text}'.", f"Use {', '.join(ACTIONS)}."
        )
    return words  # type: ignore[return-value]  # each is one of the words


def _row(key: Key) -> tuple[Any, ...]:
    return (
        key.key_id,
        key.name,
        ", ".join(key.actions),
        f"{key.rate_per_s:g}/s",
        "yes" if key.details else "no",
        moment(key.expires_at_ms),
        "" if key.revoked_at_ms is None else moment(key.revoked_at_ms),
    )
