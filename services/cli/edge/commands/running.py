"""`assay down | status`: the stack that runs. It starts nothing, and so loads nothing that starting needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from infra.local.options import StackOptions
from infra.local.stack import PartStatus, Stack, StackStatus
from services.cli.core.live_view import FRESH_MS
from services.cli.core.numbers import plain, size
from services.cli.edge import live_traffic, terminal
from services.cli.edge.errors import AWAY, FAULT, FINE
from services.cli.edge.options import DataDirOption, JsonOption, house
from services.cli.edge.surroundings import CLOCK, House
from shared.contracts.operations import Status


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
    words = _last_words(here) if found.running else {}
    if as_json:
        terminal.answer_json(_as_data(here, found, words))
    else:
        _show(here, found, words)
    raise typer.Exit(_health_code(found))


def _last_words(here: House) -> dict[str, Status]:
    # Kafka's client is loaded only where a broker may answer.
    from services.cli.edge import watching

    return watching.last_words(here.kafka, here.portfolio)


def _health_code(found: StackStatus) -> int:
    if not found.running:
        return AWAY
    return FINE if all(_is_well(part) for part in found.parts) else FAULT


def _is_well(status: PartStatus) -> bool:
    if status.health is not None:
        return status.health.status == "ok"
    return status.part.phase == "ready"


def _as_data(here: House, found: StackStatus, words: Mapping[str, Status]) -> dict[str, Any]:
    state = found.state
    return {
        "running": found.running,
        "addresses": state.addresses if state and found.running else {},
        "secrets": str(here.data.secrets),
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
                "detail": _detail(row, words.get(row.part.name)),
                "health": row.health.status if row.health else None,
                "faults": list(row.health.faults) if row.health else [],
                **_facts(words.get(row.part.name)),
                **(row.health.notes if row.health else {}),
            }
            for row in found.parts
        ],
        "beside": [
            {"name": name, "detail": word.detail, **_facts(word)}
            for name, word in _others(found, words).items()
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
    rows += [(name, word.state, _beside(word), "") for name, word in _others(found, words).items()]
    terminal.show_table(f"Stack on {here.data.root}", ("part", "health", "says", "address"), rows)


def _others(found: StackStatus, words: Mapping[str, Status]) -> dict[str, Status]:
    """Instances that speak now and are no part of the stack, such as the traffic of `assay run`."""
    ours = {row.part.name.partition("-")[0] for row in found.parts}
    since_ms = CLOCK.now_ms() - FRESH_MS
    return {n: w for n, w in words.items() if n != w.service and w.service not in ours and w.at_ms > since_ms}


def _beside(word: Status) -> str:
    return _joined(word.detail, _told(_facts(word)))


def _told(facts: dict[str, Any]) -> str:
    """Facts in words, bytes of memory as people say them."""
    said = dict(facts)
    if "rss_bytes" in said:
        said["memory"] = size(said.pop("rss_bytes"))
    return ", ".join(f"{name} {plain(value)}" for name, value in said.items())


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


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
        # An idle scorer tells 0, which is no latency that anybody had.
        **({"p99_ms": p99} if (p99 := word.latency_ms.get("p99")) else {}),
    }


def _detail(row: PartStatus, word: Status | None) -> str:
    """Why a part does not run; of one that does, what it adds to its state."""
    return row.part.detail if row.health is None or word is None else word.detail


def _notes(row: PartStatus, word: Status | None) -> str:
    detail = _detail(row, word)
    if row.health is None:
        return detail
    return _joined(*row.health.faults, detail, _told({**_facts(word), **row.health.notes}))
