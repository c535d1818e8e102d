"""`assay status`: what each part says of itself, why one does not run, and who runs beside the stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.options import StackOptions
from infra.local.processes import ProcessRecord
from infra.local.service import HealthAnswer
from infra.local.stack import PartStatus, Stack, StackStatus
from infra.local.state import Part, StackState
from services.cli.edge.commands import running
from services.cli.wiring import run
from shared.contracts.operations import Status
from shared.runtime.clock import SystemClock

DOOR = "http://127.0.0.1:8700"
REFUSED = "exited with code 1: access_refused: Kafka does not let archiver read"


def _word(service: str, detail: str = "", ago_ms: int = 0) -> Status:
    now_ms = SystemClock().now_ms()
    at_ms, p99 = now_ms - ago_ms, {"p99": 7.25}
    return Status(
        v=1, service=service, instance="1", at_ms=at_ms, state="ready", detail=detail, latency_ms=p99
    )


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A running stack with a gateway that is well and an archiver that is not; the command's words."""
    record = ProcessRecord("supervisor", 1, 0.0, "infra.local")
    state = StackState(options=StackOptions(data_dir=str(tmp_path)), supervisor=record, phase="running")
    gateway = PartStatus(Part(name="gateway", phase="ready", address=DOOR), True, HealthAnswer("ok"))
    archiver = PartStatus(Part(name="archiver", phase="waiting", detail=REFUSED), False, None)
    found = StackStatus(True, state, (gateway, archiver), ())
    monkeypatch.setattr(Stack, "status", lambda _: found)
    return ["status", "--data-dir", str(tmp_path)]


def _say(monkeypatch: pytest.MonkeyPatch, *words: Status) -> None:
    told = {name: w for w in words for name in (w.service, f"{w.service}-{w.instance}")}
    monkeypatch.setattr(running, "_last_words", lambda _: told)


def _parts(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told = json.loads(capsys.readouterr().out)
    return {part["name"]: part for part in (*told["parts"], *told["beside"])}


def test_a_part_that_does_not_run_says_why_and_one_that_does_what_it_adds(
    stack: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _say(monkeypatch, _word("gateway", "two keys are old"), _word("archiver", "an old word"))
    assert run([*stack, "--json"]) == 1
    parts = _parts(capsys)
    assert parts["archiver"]["detail"] == REFUSED
    assert parts["gateway"]["detail"] == "two keys are old"
    assert (parts["gateway"]["address"], parts["gateway"]["p99_ms"]) == (DOOR, 7.25)
    assert run(stack) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "two keys are old; state ready" in shown
    assert "access_refused" in shown


def test_traffic_beside_the_stack_is_shown_while_it_speaks(
    stack: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _say(monkeypatch, _word("simulator", "attack account_takeover"))
    run([*stack, "--json"])
    assert _parts(capsys)["simulator-1"]["detail"] == "attack account_takeover"
    _say(monkeypatch, _word("simulator", "attack account_takeover", ago_ms=60_000))
    run([*stack, "--json"])
    assert "simulator-1" not in _parts(capsys)
