"""`assay state` over a real Redis, and what `assay doctor` says of the bytes to come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.local.redis import RedisServer
from services.cli.edge.state_needs import state_check
from services.cli.wiring import run, surroundings
from shared.stores import epochs
from shared.stores import timeline_keys as names
from shared.stores.portfolio_files import read_feature_set
from shared.stores.timeline_port import EpochState
from tests.support.state_page import ROOT

BANK = (ROOT / "infra" / "portfolios" / "bank.toml").read_text(encoding="utf-8")
GRANT = "redis_bytes = 1_000_000_000"


@pytest.fixture
def logs(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Two hundred accounts and a merchant that stands in every payment; the address of their Redis."""
    size, layout = 80, read_feature_set("bank").layout.hash
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.set(names.epoch_key("bank"), epochs.encode(EpochState(1, False, layout)))
        for number in range(200):
            client.set(names.entity_key("bank", 1, "account", f"a-{number}"), bytes(size * (number % 5 + 1)))
        client.set(names.entity_key("bank", 1, "merchant", "m-1"), bytes(size * 600))
        monkeypatch.setenv("ASSAY_REDIS_URL", redis_server.url)
        yield redis_server.url
        client.flushall()


def test_state_tells_what_each_entity_takes(
    logs: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["state", "--json", "--data-dir", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    account, merchant = told["usage"]["entities"]
    assert (account["entity"], account["logs"], account["records"]) == ("account", 200, 600)
    assert account["bytes"] == 600 * 80
    assert account["bytes"] < account["redis_bytes"] < 600 * 80 + 200 * 200
    assert (merchant["longest_log_id"], merchant["longest_log_records"]) == ("m-1", 600)
    assert told["formula_bytes"]["account"] > 600 * 80
    planned = {entity["entity"]: entity["redis_bytes"] for entity in told["planned"]["entities"]}
    assert planned.keys() == {"account", "merchant", "terminal", "device", "payee"}


def test_state_fits_80_columns(
    logs: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, and no codes for colours among them
    assert run(["state", "--data-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if "merchant" in line and "m-1" in line]
    assert "600" in row
    assert sum("account" in line for line in lines) == 2


def test_doctor_counts_the_bytes_and_refuses_more_than_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bank.toml"
    monkeypatch.setenv("ASSAY_PORTFOLIO", "bank")
    monkeypatch.setenv("ASSAY_PORTFOLIO_FILE", str(file))
    file.write_text(BANK)
    fine = state_check(surroundings().house(tmp_path))
    assert fine.ok
    assert "of 1.0 GB granted" in fine.detail
    small = BANK.replace(GRANT, "redis_bytes = 1_000_000")
    line = small.splitlines().index("redis_bytes = 1_000_000") + 1
    file.write_text(small)
    refused = state_check(surroundings().house(tmp_path))
    assert not refused.ok
    assert refused.detail.startswith(f"state_over_budget: {file}:{line}: redis_bytes: timelines need")
    file.write_text(BANK.replace("[budget]", "[budgets]"))
    assert "there is no 'budgets' here" in state_check(surroundings().house(tmp_path)).detail
