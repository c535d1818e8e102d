"""A broker with the topics of a portfolio of the test's own, and the command pointed at it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.broker import apply
from infra.kafka.topics import wanted_topics
from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from services.cli.edge.releasing import Desk
from services.cli.wiring import run, surroundings
from tests.support.archiver_process import ArchiverProcess
from tests.support.kernels import lend
from tests.support.scorer_process import ScorerProcess

Ask = Callable[..., Any]


@pytest.fixture
def portfolio(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A small portfolio under a name that no other test uses; its file stands in ``tmp_path``."""
    name = "p" + "".join(c for c in request.node.name.lower() if c.isalnum())[:24]
    text = Path("infra/portfolios/handbook15.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(text.replace('name = "handbook15"', f'name = "{name}"'))
    return name


@pytest.fixture
def bootstrap(kafka_server: KafkaServer, portfolio: str) -> str:
    """The broker, with the portfolio's topics."""
    apply(kafka_server.address, wanted_topics([portfolio], 4))
    return kafka_server.bootstrap


@pytest.fixture
def ask(
    bootstrap: str,
    portfolio: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Run a command on that broker; its JSON answer, after the exit code was as expected."""
    monkeypatch.setenv("ASSAY_KAFKA", bootstrap)
    monkeypatch.setenv("ASSAY_PORTFOLIO", portfolio)
    monkeypatch.setenv("ASSAY_PORTFOLIO_FILE", str(tmp_path / "own.toml"))

    def call(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        found = run([*words, "--json", "--data-dir", str(tmp_path / "data")])
        told = capsys.readouterr()
        assert found == code, told.err
        return json.loads(told.out if told.out else told.err.splitlines()[-1])

    return call


@pytest.fixture
def house(
    ask: Ask,
    kafka_server: KafkaServer,
    redis_server: RedisServer,
    portfolio: str,
    tmp_path: Path,
) -> Iterator[Path]:
    """A scorer and an archiver of the test's own portfolio, release 1 in charge; the portfolio's file."""
    data, file = tmp_path / "data", tmp_path / "own.toml"
    lend(data)
    Desk(surroundings().house(data), kafka_server.address).begin()
    told = {
        "KAFKA": kafka_server.bootstrap,
        "REDIS_URL": redis_server.url,
        "DATA_DIR": str(data),
        "PORTFOLIO": portfolio,
        "PORTFOLIO_FILE": str(file),
    }
    scorer = ScorerProcess({f"ASSAY_SCORER_{k}": v for k, v in told.items()}, tmp_path / "scorer.log")
    archiver = ArchiverProcess(kafka_server.bootstrap, portfolio, data, {"PORTFOLIO_FILE": str(file)})
    archiver.start()
    try:
        yield file
    finally:
        scorer.kill()
        archiver.stop()
