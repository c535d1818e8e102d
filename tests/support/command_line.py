"""The command line asked many things in one process: its imports take seconds, its answers do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_ASK = """
import contextlib, io, json, sys
import typer
from services.cli.edge.program import app
from services.cli.wiring import run

def tree(command):
    return {name: tree(found) for name, found in getattr(command, "commands", {}).items()}

answers = []
for words in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as why:
        code = run(words)
    answers.append([code, said.getvalue(), why.getvalue()])
json.dump({"tree": tree(typer.main.get_command(app)), "answers": answers}, sys.stdout)
"""


def ask(calls: Sequence[Sequence[str]], env: Mapping[str, str] | None = None) -> tuple[dict[str, Any], Any]:
    """The tree of commands by name, and per call (exit code, standard output, standard error)."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ASK],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**ours, **(env or {})},
    )
    answer = json.loads(found.stdout)
    return answer["tree"], answer["answers"]
