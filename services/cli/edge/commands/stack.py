"""`assay up | down | status | doctor`: the local stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from infra.local.doctor import doctor as look_over
from infra.local.options import StackOptions
from infra.local.stack import PartStatus, Stack, StackStatus
from infra.local.state import StackState
from services.cli.core.numbers import plain, size
from services.cli.edge import live_traffic, terminal, watching
from services.cli.edge.errors import AWAY, FAULT, FINE
from services.cli.edge.first_release import FirstRelease
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.contracts.operations import Status


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
    watch = Watch(quiet=as_json)
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
        f"The stack {word}: Kafka at {state.addresses.get('kafka')}, data in {state.options.data_dir}."
    )
    for name in failed:
        terminal.say(f"{name} does not run: see {state.options.data_dir}/logs/{name}.log.")


def _exit_code(state: StackState) -> int:
    return FAULT if any(part.phase in {"failed", "waiting"} for part in state.parts) else FINE


class Watch:
    """Prints each change of a part once."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._seen: dict[str, str] = {}

    def __call__(self, state: StackState) -> None:
        """The stack has changed."""
        for part in state.parts:
            text = f"{part.phase:10} {part.detail}".rstrip()
            if self._seen.get(part.name) != part.phase and not self._quiet:
                Console(stderr=True, highlight=False).print(f"  {part.name:12} {text}", markup=False)
            self._seen[part.name] = part.phase


def down(context: typer.Context, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Stop everything in order and leave no process behind.

    Example: assay down --data-dir /tmp/assay
    """
    here = house(context, data_dir)
    stopped = live_traffic.sweep(here.data) + Stack(StackOptions(data_dir=str(here.data.root))).down()
    if as_json:
        terminal.answer_json({"stopped": stopped})
    elif stopped:
        terminal.say(f"Stopped {', '.join(stopped)}.")
    else:
        terminal.say(f"Nothing was running on {here.data.root}.")


def status(context: typer.Context, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Each part's health, release, lag and address; exit code 3 when no stack runs, 1 when a part is ill.

    Example: assay status --json
    """
    here = house(context, data_dir)
    found = Stack(StackOptions(data_dir=str(here.data.root))).status()
    words = watching.last_words(here.kafka, here.portfolio) if found.running else {}
    if as_json:
        terminal.answer_json(_as_data(found, words))
    else:
        _show(here, found, words)
    raise typer.Exit(_health_code(found))


def _health_code(found: StackStatus) -> int:
    if not found.running:
        return AWAY
    return FINE if all(_is_well(part) for part in found.parts) else FAULT


def _is_well(status: PartStatus) -> bool:
    if status.health is not None:
        return status.health.status == "ok"
    return status.part.phase == "ready"


def _as_data(found: StackStatus, words: Mapping[str, Status]) -> dict[str, Any]:
    state = found.state
    return {
        "running": found.running,
        "addresses": state.addresses if state and found.running else {},
        "options": state.options if state else None,
        "leftovers": [record.name for record in found.leftovers],
        "parts": [
            {
                "name": row.part.name,
                "phase": row.part.phase,
                "running": row.running,
                "address": row.part.address,
                "log": row.part.log_path,
                "exits": row.part.exits,
                "pid": row.part.record.pid if row.part.record else None,
                "health": row.health.status if row.health else None,
                "faults": list(row.health.faults) if row.health else [],
                **_facts(words.get(row.part.name)),
                **(row.health.notes if row.health else {}),
            }
            for row in found.parts
        ],
    }


def _show(here: House, found: StackStatus, words: Mapping[str, Status]) -> None:
    if not found.running:
        terminal.say(f"No stack runs on {here.data.root}. Start one with `assay up`.")
        for record in found.leftovers:
            terminal.say(f"A dead stack left {record.name} ({record.pid}); `assay down` cleans up.")
        return
    rows = [
        (
            row.part.name,
            row.health.status if row.health else row.part.phase,
            _notes(row, words.get(row.part.name)),
            row.part.address,
        )
        for row in found.parts
    ]
    terminal.show_table(f"Stack on {here.data.root}", ("part", "health", "says", "address"), rows)


def _facts(word: Status | None) -> dict[str, Any]:
    """What a service last said of itself on the topic ``status``."""
    if word is None:
        return {}
    return {
        "state": word.state,
        "release": word.release_seq,
        "lag": sum(max(0, p.end - p.committed) for p in word.partitions),
        "handled": word.handled,
        "rss_bytes": word.rss_bytes,
    }


def _notes(row: PartStatus, word: Status | None) -> str:
    if row.health is None:
        return row.part.detail
    facts = {**_facts(word), **row.health.notes}
    if "rss_bytes" in facts:
        facts["memory"] = size(facts.pop("rss_bytes"))
    notes = ", ".join(f"{name} {plain(value)}" for name, value in facts.items())
    return "; ".join([*row.health.faults, *([notes] if notes else [])])


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
    checks = look_over(StackOptions(data_dir=str(Path(here.data.root)), portfolio=here.portfolio))
    if as_json:
        terminal.answer_json({"ok": all(c.ok for c in checks), "checks": checks})
    else:
        rows = [("ok" if c.ok else "FAULT", c.name, c.detail, "" if c.ok else c.way_out) for c in checks]
        terminal.show_table("Preflight", ("", "what", "found", "way out"), rows)
    raise typer.Exit(FINE if all(check.ok for check in checks) else FAULT)
