"""F30: a topic missing, with another partition count or retention: the fix is named, runs, and mends it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace

import pytest

from infra.kafka.broker import create, verify
from infra.kafka.topics import TopicFault, TopicState, wanted_topics
from infra.local.kafka import KafkaServer

DAY_MS = 86_400_000


def _wanted(portfolio: str) -> TopicState:
    return next(t for t in wanted_topics([portfolio], 2) if t.name == f"{portfolio}.transactions")


@pytest.mark.parametrize(
    ("kind", "setting"), [("missing", ""), ("partitions", ""), ("config", "retention.ms")]
)
def test_the_preflight_names_the_exact_command_that_mends(
    kafka_server: KafkaServer, kind: str, setting: str
) -> None:
    wanted = _wanted(f"f30{kind}")
    if kind == "partitions":
        create(kafka_server.address, replace(wanted, partitions=3))
    elif kind == "config":
        create(
            kafka_server.address,
            replace(wanted, configs={**wanted.configs, "retention.ms": str(DAY_MS)}),
        )
    (fault,) = verify(kafka_server.address, [wanted])
    assert (fault.topic, fault.kind, fault.setting) == (wanted.name, kind, setting)
    _run(fault)
    assert verify(kafka_server.address, [wanted]) == []


def _run(fault: TopicFault) -> None:
    words = shlex.split(fault.fix)
    assert words[:3] == ["python", "-m", "infra.kafka"]
    subprocess.run([sys.executable, *words[1:]], check=True, timeout=60)
