"""The program: every command registered once, and the one place where failures become exit codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import typer

from services.cli.edge.commands import (
    decision,
    dlq,
    evaluate,
    export,
    features,
    ingest,
    parity,
    release,
    run_house,
    settings,
    stack,
    state,
    topics,
    train,
)
from services.cli.edge.errors import FAULT, FINE
from services.cli.edge.failures import EXPECTED, tell, translate
from services.cli.edge.surroundings import Surroundings

app = typer.Typer(
    name="assay",
    help="Event-driven fraud scoring with exact timelines. Start with `assay run`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "run": run_house.run,
    "up": stack.up,
    "down": stack.down,
    "status": stack.status,
    "doctor": stack.doctor,
    "ingest": ingest.ingest,
    "export": export.export,
    "train": train.train,
    "evaluate": evaluate.evaluate,
    "decision": decision.decision,
    "verify-parity": parity.verify_parity,
    "settings": settings.settings,
}
for name, function in _COMMANDS.items():
    app.command(name)(function)
for name, group in {
    "topics": topics.app,
    "features": features.app,
    "state": state.app,
    "release": release.app,
    "dlq": dlq.app,
}.items():
    app.add_typer(group, name=name)


def run(arguments: Sequence[str], around: Surroundings, *, as_json: bool) -> int:
    """Run one command; its exit code."""
    command = typer.main.get_command(app)
    try:
        command.main(list(arguments), prog_name="assay", obj=around)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAULT if end.code else FINE
    except EXPECTED as error:
        told = translate(error)
        tell(told, as_json=as_json)
        return told.exit_code
    return FINE
