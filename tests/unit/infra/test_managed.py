"""A watched server: restarted with back-off, shown as failed after five exits in a minute, forgiven later."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.local.errors import StackError
from infra.local.managed import Managed
from infra.local.options import StackOptions
from infra.local.portfolios import FOLDER, portfolio_path
from infra.local.ports import free_ports
from infra.local.processes import ProcessRecord
from infra.local.server import Server
from infra.local.service import ServiceProcess, ask_health
from infra.local.services import CACHE_VARIABLE, SERVICES, cache_bytes, service_environment


class ScriptedServer(Server):
    """A server without a process: the test says when it exits and whether it is ready."""

    def __init__(self, folder: Path) -> None:
        super().__init__("scripted", folder / "log", mark="scripted")
        self.starts = 0
        self.code: int | None = None
        self.ready = False

    def command(self) -> Sequence[str]:
        return ["scripted"]

    def probe(self) -> bool:
        return self.ready

    def launch(self) -> ProcessRecord:
        self.starts += 1
        self.code = None
        return ProcessRecord("scripted", os.getpid(), 0.0, "scripted")

    def exit_code(self) -> int | None:
        return self.code


def phase(managed: Managed) -> str:
    return managed.part.phase


@pytest.fixture
def server(tmp_path: Path) -> ScriptedServer:
    return ScriptedServer(tmp_path)


def test_ready_then_not_ready_then_ready_again(server: ScriptedServer) -> None:
    managed = Managed(server, "here", wave=1)
    managed.launch(0.0)
    managed.tick(0.1)
    assert phase(managed) == "starting"
    server.ready = True
    assert managed.tick(0.5)
    assert phase(managed) == "ready"
    server.ready = False
    managed.tick(3.0)
    assert phase(managed) == "not ready"


def test_an_exit_waits_for_its_delay_before_the_next_start(server: ScriptedServer) -> None:
    managed = Managed(server, "here", wave=1)
    managed.launch(0.0)
    server.code = 7
    managed.tick(0.1)
    assert phase(managed) == "waiting"
    assert "exited with code 7" in managed.part.detail
    managed.tick(0.9)
    assert server.starts == 1
    managed.tick(1.2)
    assert server.starts == 2
    assert phase(managed) == "starting"


def test_five_exits_in_a_minute_are_shown_as_failed_and_tried_every_30_s(server: ScriptedServer) -> None:
    managed = Managed(server, "here", wave=1)
    managed.launch(0.0)
    now_s = 0.0
    while phase(managed) != "failed":
        server.code = 1
        now_s += 0.5
        managed.tick(now_s)
    assert managed.part.exits == 5
    assert now_s < 60
    managed.tick(now_s + 29)
    assert server.starts == 5
    managed.tick(now_s + 31)
    assert server.starts == 6


def test_an_exit_during_the_start_of_the_stack_ends_the_start(server: ScriptedServer) -> None:
    managed = Managed(server, "here", wave=1)
    managed.launch(0.0)
    server.code = 3
    with pytest.raises(StackError, match="scripted exited with code 3 before it was ready"):
        managed.ask_until_ready(0.1)


def test_the_table_starts_what_the_options_ask_for() -> None:
    asked = StackOptions(data_dir="/d", workers=3)
    assert {row.name: row.instances(asked) for row in SERVICES} == {
        "scorer": 3,
        "archiver": 1,
        "monitor": 1,
        "trainer": 1,
        "gateway": 1,
        "console": 1,
        "simulator": 0,
    }
    with_traffic = StackOptions(data_dir="/d", simulator=True, rate=50.5)
    simulator = next(row for row in SERVICES if row.name == "simulator")
    assert simulator.instances(with_traffic) == 1
    addresses = {"kafka": "k:1", "redis": "unix:///s", "gateway": "http://g:3", "console": "http://c:4"}
    env = service_environment(simulator, 1, with_traffic, addresses, health_port=99)
    assert env["ASSAY_SIMULATOR_RATE_PER_S"] == "50.5"
    assert env["ASSAY_SIMULATOR_ACCOUNTS"] == "2000"
    assert env["ASSAY_PORTFOLIO_FILE"] == str(FOLDER / "bank.toml")
    with pytest.raises(StackError, match=r"no portfolio file .*mars\.toml") as caught:
        portfolio_path(StackOptions(data_dir="/d", portfolio="mars"))
    assert "bank" in caught.value.way_out
    assert env["ASSAY_KAFKA"] == "k:1"
    gateway = next(row for row in SERVICES if row.name == "gateway")
    told = service_environment(gateway, 1, asked, addresses, health_port=99)
    assert told["ASSAY_GATEWAY_PORT"] == "3"
    assert told["ASSAY_GATEWAY_OPERATOR_KEY_FILE"] == "/d/secrets/gateway.operator"
    console = next(row for row in SERVICES if row.name == "console")
    seen = service_environment(console, 1, asked, addresses, health_port=99)
    assert seen["ASSAY_CONSOLE_PORT"] == "4"
    assert seen["ASSAY_CONSOLE_OPERATOR_KEY_FILE"] == "/d/secrets/console.operator"
    assert seen["ASSAY_CONSOLE_ADMIN_PASSWORD_FILE"] == "/d/secrets/console.admin"
    assert env["ASSAY_HEALTH_PORT"] == "99"


def test_scorers_share_a_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=6 << 30))
    assert [cache_bytes(workers) for workers in (1, 2, 64)] == [768 << 20, 384 << 20, 256 << 20]
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=64 << 30))
    assert cache_bytes(1) == 1 << 30


def test_a_cache_of_ones_own_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"kafka": "k:1", "redis": "unix:///s", "gateway": "http://g:3", "console": "http://c:4"}
    scorer = next(row for row in SERVICES if row.name == "scorer")
    options = StackOptions(data_dir="/d")
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert service_environment(scorer, 1, options, addresses, 1)[CACHE_VARIABLE] == str(cache_bytes(1))
    monkeypatch.setenv(CACHE_VARIABLE, "12345678")
    assert service_environment(scorer, 1, options, addresses, 1)[CACHE_VARIABLE] == "12345678"


def test_a_silent_service_is_not_ready(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    assert ask_health(port).status == "silent"
    assert not ServiceProcess("s", "services.s", {}, port, tmp_path / "log").probe()
