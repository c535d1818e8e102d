"""`assay up | doctor`: starting the local stack, and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.local.doctor import doctor as look_over
from infra.local.options import StackOptions
from infra.local.stack import Stack
from infra.local.state import StackState
from services.cli.edge import screens, terminal
from services.cli.edge.errors import FAULT, FINE
from services.cli.edge.first_release import FirstRelease
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house


def up(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    workers: Annotated[int, typer.Option(help="Scorer processes.", min=1, max=64)] = 1,
    rate: Annotated[float, typer.Option(help="Payments per second of the simulator.", min=0.01)] = 20.0,
    no_simulator: Annotated[bool, typer.Option("--no-simulator", help="No traffic of our own.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start Kafka, Redis and every service; Ctrl-C or `assay down` ends it.

    Example: assay up --portfolio handbook15 --no-simulator --detach
    """
    here = house(context, data_dir, portfolio)
    options = StackOptions(
        data_dir=str(here.data.root),
        portfolio=here.portfolio,
        portfolio_file=str(here.portfolio_file or ""),
        workers=workers,
        rate=rate,
        simulator=not no_simulator,
    )
    here.read_portfolio()
    stack = Stack(options)
    watch = Watch(quiet=as_json, tells_screens=not detach and not as_json)
    first = FirstRelease(here, watch)
    if detach:
        state, started = stack.up(first)
        _tell_up(state, started, as_json=as_json)
        raise typer.Exit(_exit_code(state))
    if not stack.run(first):
        terminal.say(f"A stack is running already on {here.data.root}; see `assay status`.")


def _tell_up(state: StackState, started: bool, *, as_json: bool) -> None:
    if as_json:
        terminal.answer_json({"started": started, "state": state})
        return
    failed = [part.name for part in state.parts if part.phase in {"failed", "waiting"}]
    word = "started" if started else "was running already; nothing was changed"
    terminal.say(
        f"The stack {word}: decisions over HTTP at {state.addresses.get('gateway')}, "
        f"Kafka at {state.addresses.get('kafka')}, data in {state.options.data_dir}."
    )
    for name in failed:
        terminal.say(f"{name} does not run: see {state.options.data_dir}/logs/{name}.log.")
    terminal.say(screens.where(state))


def _exit_code(state: StackState) -> int:
    return FAULT if any(part.phase in {"failed", "waiting"} for part in state.parts) else FINE


class Watch:
    """Prints each change of a part once; ``tells_screens``: also where the screens are."""

    def __init__(self, *, quiet: bool, tells_screens: bool = False) -> None:
        self._quiet = quiet
        self._tells_screens = tells_screens
        self._seen: dict[str, str] = {}

    def __call__(self, state: StackState) -> None:
        """The stack has changed."""
        for part in state.parts:
            text = f"{part.phase:10} {part.detail}".rstrip()
            if self._seen.get(part.name) != part.phase and not self._quiet:
                Console(stderr=True, highlight=False).print(f"  {part.name:12} {text}", markup=False)
            self._seen[part.name] = part.phase
        if self._tells_screens and self._seen.get("console") == "ready":
            self._tells_screens = False
            terminal.say(screens.where(state))


def doctor(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check all that the stack needs; each failure comes with what mends it.

    Example: assay doctor
    """
    here = house(context, data_dir, portfolio)
    # It compiles a portfolio, which takes a second that `assay up` does not have.
    from services.cli.edge.state_needs import state_check

    options = StackOptions(data_dir=str(Path(here.data.root)), portfolio=here.portfolio)
    checks = [*look_over(options), state_check(here)]
    if as_json:
        terminal.answer_json({"ok": all(c.ok for c in checks), "checks": checks})
    else:
        rows = [("ok" if c.ok else "FAULT", c.name, c.detail, "" if c.ok else c.way_out) for c in checks]
        terminal.show_table("Preflight", ("", "what", "found", "way out"), rows)
    raise typer.Exit(FINE if all(check.ok for check in checks) else FAULT)
