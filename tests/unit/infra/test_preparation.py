"""Before anything starts: folders, ports, jars, sockets; each fault is one sentence with a way out."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import requests
from jgo.maven import MavenContext

from infra.kafka.lock import LOCK_PATH, SPEC_PATH
from infra.local import jars as jars_module
from infra.local.addresses import StackPorts, choose_ports
from infra.local.doctor import doctor
from infra.local.errors import StackError
from infra.local.jars import Jars
from infra.local.layout import DataDir
from infra.local.options import StackOptions
from infra.local.ports import PortClaims, free_ports, is_free, is_listening
from infra.local.redis import SOCKET_PATH_LIMIT, RedisServer
from infra.local.redis_binary import redis_binary, version


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_lock_file_names_every_jar_by_sum_and_no_place() -> None:
    text = LOCK_PATH.read_text()
    assert "http" not in text
    assert str(Path.home()) not in text
    jars = tomllib.loads(text)["dependencies"]
    assert len(jars) > 40
    assert all(len(jar["sha256"]) == 64 for jar in jars)


def test_lock_file_holds_what_the_spec_asks_for() -> None:
    wanted = tomllib.loads(SPEC_PATH.read_text())["dependencies"]["coordinates"]
    locked = {
        f"{jar['groupId']}:{jar['artifactId']}:{jar['version']}"
        for jar in tomllib.loads(LOCK_PATH.read_text())["dependencies"]
    }
    assert set(wanted) <= locked


def test_no_registry_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr("jgo.util.http.get", away)
    with pytest.raises(StackError, match="could not be downloaded") as caught:
        Jars(cache=tmp_path).fetch()
    assert "registry" in caught.value.way_out
    assert list(tmp_path.rglob("*.jar")) == []


def test_a_jar_with_another_sum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(folder: Path) -> MavenContext:
        return MavenContext(repo_cache=folder, local_repos=[tmp_path / "registry"], remote_repos={})

    known = Jars(cache=tmp_path / "registry")
    for jar in known.locked:
        known.path(jar).parent.mkdir(parents=True, exist_ok=True)
        known.path(jar).write_bytes(b"not the jar")
    monkeypatch.setattr(jars_module, "_registry", wrong)
    with pytest.raises(StackError, match="sent other bytes"):
        Jars(cache=tmp_path / "cache").fetch()
    assert list((tmp_path / "cache").rglob("*.jar")) == []
    assert len(known.damaged()) == len(known.locked)


def test_the_locked_redis_runs_without_one_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert (version(redis_binary(Jars())) or (0,)) >= (6, 2)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StackError, match="cannot be written") as caught:
        DataDir.at(tmp_path / "file").make()
    assert "--data-dir" in caught.value.way_out


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    with pytest.raises(StackError, match="is full: 0 MB are free") as caught:
        DataDir.at(tmp_path).make()
    assert "--data-dir" in caught.value.way_out


def _chosen(data: DataDir, wanted: int = 0) -> StackPorts:
    with closing(PortClaims()) as claims:
        return choose_ports(data, wanted, claims)


def test_a_named_port_in_use_is_refused_and_a_remembered_one_replaced(tmp_path: Path) -> None:
    data = DataDir.at(tmp_path)
    data.make()
    first = _chosen(data)
    assert _chosen(data) == first
    with socket.create_server(("127.0.0.1", first.clients)):
        assert is_listening(first.clients)
        assert not is_free(first.clients)
        assert _chosen(data).clients != first.clients
        with pytest.raises(StackError, match=f"Port {first.clients} on loopback is in use"):
            _chosen(data, first.clients)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="claims are names in Linux's namespace")
def test_two_stacks_that_start_at_once_have_a_front_door_each(tmp_path: Path) -> None:
    port, screens = free_ports(2)
    for name in ("one", "other"):
        DataDir.at(tmp_path / name).make()
        former = StackPorts(1, 2, port, screens)
        DataDir.at(tmp_path / name).ports_file.write_bytes(msgspec.json.encode(former))
    one, other = PortClaims(), PortClaims()
    first, second = (
        choose_ports(DataDir.at(tmp_path / name), 0, claims)
        for name, claims in (("one", one), ("other", other))
    )
    assert (first.gateway, first.console) == (port, screens)
    assert second.gateway != port
    assert second.console != screens
    one.close()
    assert other.take(port)
    other.close()


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_long_folder_gets_a_short_private_socket(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / ("x" * 120))
    assert len(os.fsencode(server.socket_path)) <= SOCKET_PATH_LIMIT
    assert server.socket_path == RedisServer(tmp_path / ("x" * 120)).socket_path
    assert RedisServer(Path("/d")).socket_path == "/d/redis.sock"


def test_doctor_is_content_here_and_names_a_fault(tmp_path: Path) -> None:
    rows = {check.name: check for check in doctor(StackOptions(data_dir=str(tmp_path / "stack")))}
    wanted = {"python", "crc32c", "java", "jars", "redis", "data dir", "disk", "memory", "port", "topics"}
    assert wanted <= set(rows)
    machine = {"disk", "memory"}  # these tell about the machine that runs the test
    assert [check for name, check in rows.items() if not check.ok and name not in machine] == []
    (tmp_path / "file").write_text("in the way")
    bad = [check for check in doctor(StackOptions(data_dir=str(tmp_path / "file"))) if not check.ok]
    assert "data dir" in [check.name for check in bad]
    assert all(check.way_out for check in bad)
