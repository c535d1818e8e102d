"""What replay may look at: captured values in the comparison alone, and nothing live at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shared.stores import lake_log
from tests.architecture.house import House, Source, load

ROOT = Path(__file__).parents[2]
ANSWERS = frozenset({"vector", "raw", "score", "action", "core_hash"})
"""Columns of a capture that hold what was computed; all others say what came, and where it stands."""

COMPARED_AT = "services/replayer/edge/captured.py"
COMPARED_BY = ("services/replayer/edge/steps.py:compare_day",)
LIVE = ("shared.bus", "shared.stores.timeline", "redis", "aiokafka", "kafka", "faust")


def reads_captures(source: Source) -> list[str]:
    """Where ``source`` names the table of captures beside a column of answers."""
    texts = [node for node in ast.walk(source.tree) if isinstance(node, ast.Constant)]
    if not any(node.value == "captures" for node in texts):
        return []
    return [f"{source.path}:{n.lineno}: reads captured '{n.value}'" for n in texts if n.value == "vector"]


def askers(source: Source) -> list[str]:
    """Functions that ask for captured answers."""
    return [
        f"{source.path}:{function.name}"
        for function in source.functions()
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "read_captured"
    ]


def live(source: Source) -> list[str]:
    """Imports by which something live could be reached."""
    return [f"{source.path}:{line}: {name}" for line, name in source.imports() if name.startswith(LIVE)]


@pytest.fixture(scope="module")
def replayer() -> list[Source]:
    house: House = load(ROOT)
    return [source for source in house.sources if source.path.startswith("services/replayer/")]


def test_captured_answers_are_read_in_one_file_for_the_comparison(replayer: list[Source]) -> None:
    reading = {found.split(":")[0] for source in replayer for found in reads_captures(source)}
    assert reading == {COMPARED_AT}
    assert tuple(name for source in replayer for name in askers(source)) == COMPARED_BY


def test_the_log_is_read_without_answers() -> None:
    assert not ANSWERS & set(lake_log._CAPTURED)


def test_nothing_live_is_within_reach(replayer: list[Source]) -> None:
    assert [found for source in replayer for found in live(source)] == []


def test_a_second_reader_and_a_live_client_are_caught() -> None:
    text = (
        "from shared.bus.kafka_producer import KafkaProducer\n\n\ndef cheat(scan):\n"
        '    read_captured(scan)\n    return scan.rows("captures", columns=["vector"])\n'
    )
    source = Source("services/replayer/core/x.py", text)
    assert reads_captures(source) == ["services/replayer/core/x.py:6: reads captured 'vector'"]
    assert askers(source) == ["services/replayer/core/x.py:cheat"]
    assert live(source) == ["services/replayer/core/x.py:1: shared.bus.kafka_producer"]
