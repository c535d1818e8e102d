"""`assay users add | list | remove | password`: who may sign in to the console."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated, Final

import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.console_calls import ConsoleCalls
from services.cli.edge.options import DataDirOption, JsonOption, house
from services.cli.edge.surroundings import House

app = typer.Typer(help="Users of the console.", no_args_is_help=True)

DRAWN_BYTES: Final = 18
FromInput = Annotated[
    bool, typer.Option("--stdin", help="Read the password from standard input; else one is drawn.")
]


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What they sign in as.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    from_input: FromInput = False,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user; a drawn password is shown this once.

    Example: assay users add omar --role operator
    """
    password, is_drawn = _password(from_input)
    _console(house(context, data_dir)).add(name, role, password)
    _tell(name, password, is_drawn, as_json=as_json)


@app.command("list")
def list_users(context: typer.Context, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Every user and their role.

    Example: assay users list
    """
    users = _console(house(context, data_dir)).users()
    if as_json:
        terminal.answer_json({"users": users})
    else:
        rows = [(user["name"], user["role"], moment(user["created_at_ms"])) for user in users]
        terminal.show_table("Users", ("name", "role", "since"), rows)


@app.command("remove")
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who.")],
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a user and their sessions, at once.

    Example: assay users remove omar
    """
    _console(house(context, data_dir)).remove(name)
    if as_json:
        terminal.answer_json({"removed": name})
    else:
        terminal.say(f"{name} is removed.")


@app.command("password")
def password(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose.")],
    from_input: FromInput = False,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user another password; their sessions end.

    Example: assay users password omar
    """
    drawn, is_drawn = _password(from_input)
    _console(house(context, data_dir)).set_password(name, drawn)
    _tell(name, drawn, is_drawn, as_json=as_json)


def _console(here: House) -> ConsoleCalls:
    return ConsoleCalls(here.console, here.console_key)


def _password(from_input: bool) -> tuple[str, bool]:
    """A password, and whether it was drawn here."""
    if from_input:
        return sys.stdin.readline().rstrip("\n"), False
    return secrets.token_urlsafe(DRAWN_BYTES), True


def _tell(name: str, password: str, is_drawn: bool, *, as_json: bool) -> None:
    if as_json:
        terminal.answer_json({"name": name} | ({"password": password} if is_drawn else {}))
    elif is_drawn:
        typer.echo(password)  # as it is: a terminal that wraps it would break it
        terminal.say(f"Keep it for {name}: nobody can show it again.")
    else:
        terminal.say(f"{name} may sign in with it.")
