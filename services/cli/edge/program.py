"""The program: every command in one table, loaded when it is asked for; failures become exit codes here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from services.cli.edge import commands
from services.cli.edge.errors import FAULT, FINE, CommandError, tell
from services.cli.edge.surroundings import Surroundings


class Entry(NamedTuple):
    """A command or group: its module in `commands`, the attribute there, and how its help begins."""

    name: str
    module: str
    attribute: str
    line: str


COMMANDS: Final = (
    Entry("run", "run_house", "run", "Start everything and show what happens."),
    Entry("up", "stack", "up", "Start Kafka, Redis and every service."),
    Entry("down", "running", "down", "Stop everything in order and leave no process behind."),
    Entry("status", "running", "status", "Each part's health, release, lag and address."),
    Entry("doctor", "stack", "doctor", "Check all that the stack needs."),
    Entry("ingest", "ingest", "ingest", "Stream files of payments through Kafka."),
    Entry("export", "export", "export", "One row per record from the lake."),
    Entry("simulate", "simulate", "simulate", "Write a past of the living bank as files."),
    Entry("train", "train", "train", "Ask the trainer for a candidate."),
    Entry("evaluate", "evaluate", "evaluate", "Measure the scores of payments in the lake."),
    Entry("decision", "decision", "decision", "What was decided and why."),
    Entry("verify", "verify", "verify", "Recompute decisions and compare to the bit."),
    Entry("verify-parity", "parity", "verify_parity", "Compare captured features with a reference."),
    Entry("settings", "settings", "settings", "List settings."),
    Entry("secrets", "secrets", "secrets", "Draw passwords and keys that are missing."),
    Entry("topics", "topics", "app", "Topics: create, compare, list."),
    Entry("features", "features", "app", "Features of a portfolio."),
    Entry("state", "state", "app", "Entity timelines: what they take, check, rebuild."),
    Entry("release", "release", "app", "Releases: everything that decides, as one numbered object."),
    Entry("keys", "keys", "app", "API keys of the front door."),
    Entry("users", "users", "app", "Users of the console."),
    Entry("alerts", "alerts", "alerts", "What fires now, and the last alerts."),
    Entry("dlq", "dlq", "app", "Dead letters: refused records with their bytes and reason."),
)


class Program(TyperGroup):
    """The command `assay`. It holds a stand-in of each command, and imports the one that is asked for."""

    def __init__(self) -> None:
        super().__init__(
            name="assay",
            help="Event-driven fraud scoring with exact timelines. Start with `assay run`.",
            commands=[TyperCommand(entry.name, short_help=entry.line) for entry in COMMANDS],
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command itself, or None where there is none of that name."""
        entry = next((entry for entry in COMMANDS if entry.name == cmd_name), None)
        return None if entry is None else load(entry)

    def format_commands(self, ctx: object, formatter: Any) -> None:
        """Write the table's lines: the library would import every command to ask for its own."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.line) for entry in COMMANDS])


def load(entry: Entry) -> TyperCommand | TyperGroup:
    """Import the module of ``entry`` and make its command."""
    found = getattr(import_module(f"{commands.__name__}.{entry.module}"), entry.attribute)
    # A Typer of its own makes it, so that it is asked and answers as if all were registered at one.
    maker = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        maker.add_typer(found, name=entry.name)
    else:
        maker.command(entry.name)(found)
    made = typer.main.get_group(maker).commands[entry.name]
    assert isinstance(made, TyperCommand | TyperGroup)
    return made


app: Final = Program()


def run(arguments: Sequence[str], around: Surroundings, *, as_json: bool) -> int:
    """Run one command; its exit code."""
    try:
        app.main(list(arguments), prog_name="assay", obj=around)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAULT if end.code else FINE
    except Exception as error:
        told = error if isinstance(error, CommandError) else _translated(error)
        if told is None:
            raise
        tell(told, as_json=as_json)
        return told.exit_code
    return FINE


def _translated(error: Exception) -> CommandError | None:
    """What an expected failure of another room says here; None for a defect of ours."""
    # Imported when something has failed: it takes every client and the kernels to name their exceptions.
    from services.cli.edge.failures import EXPECTED, translate

    return translate(error) if isinstance(error, EXPECTED) else None
