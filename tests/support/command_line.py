"""The command line asked many things in one process: its imports take seconds, its answers do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

LIMIT_S = 120

_ASK = """
import contextlib, io, json, os, sys
import typer
from services.cli.edge.program import app
from services.cli.wiring import run

def tree(command):
    names, asking = getattr(command, "list_commands", lambda _: ()), typer.Context(command)
    inner = {name: tree(command.get_command(asking, name)) for name in names(asking)}
    return {"commands": inner, "options": [opt for given in command.params for opt in given.opts]}

answers = []
for words in json.load(sys.stdin):
    told = dict(word.split("=", 1) for word in words if word.startswith("ASSAY_"))
    os.environ.update(told)
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as why:
        code = run([word for word in words if not word.startswith("ASSAY_")])
    answers.append([code, said.getvalue(), why.getvalue()])
    for name in told:
        del os.environ[name]
json.dump({"tree": tree(app), "answers": answers}, sys.stdout)
"""


class Answer(NamedTuple):
    """How one call ended: exit code, standard output, standard error."""

    code: int
    said: str
    why: str

    def data(self) -> Any:
        """The JSON it answered. Raises AssertionError when it failed."""
        assert self.code == 0, self.why
        return json.loads(self.said)


def ask(calls: Sequence[Sequence[str]]) -> tuple[dict[str, Any], list[Answer]]:
    """The tree of commands with their options, and an answer per call, ``ASSAY_X=value`` among its words."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ASK],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
        env=ours,
    )
    answer = json.loads(found.stdout)
    return answer["tree"], [Answer(*one) for one in answer["answers"]]
