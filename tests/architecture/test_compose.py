"""Compose runs exactly the services of the house, each watched; the image installs by hash, not as root."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.docker.ready import ready
from tests.architecture.compose import BACKENDS, faults

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "infra/docker/Dockerfile").read_text()
LISTED = set(re.findall(r"^  ([a-z]+):$", TEXT.split("\nservices:\n")[1].split("\nvolumes:\n")[0], re.M))


def test_compose_lists_exactly_our_services() -> None:
    folders = {p.name for p in (ROOT / "services").iterdir() if p.is_dir() and p.name != "__pycache__"}

    assert faults(TEXT, folders) == []


SEEDS = {
    "a service is missing": ("  scorer:\n", "  scorer_two:\n", "scorer: not in compose"),
    "a stranger": ("  scorer:\n", "  stranger:\n", "stranger: no folder"),
    "no healthcheck": ("  healthcheck: &ready\n", "  x: &ready\n", "scorer: no healthcheck"),
    "health off": ('test: ["CMD", "redis-cli", "ping"]', "disable: true", "redis: no healthcheck"),
    "no Kafka address": ("  ASSAY_KAFKA:", "  KAFKA:", "trainer: lacks ASSAY_KAFKA"),
    "no health port": ("  ASSAY_HEALTH_PORT:", "  PORT:", "archiver: no health port"),
    "another program": ("services.trainer]", "services.scorer]", "trainer: does not run services.trainer"),
    "another Kafka": ("apache/kafka:4", "someone/kafka:4", "kafka: not the official image"),
    "an old Kafka": ("apache/kafka:4", "apache/kafka:3", "kafka: not the official image"),
    "no topics": ("assay topics apply &&", "assay status &&", "cli: is not the job"),
    "no keys": ("assay secrets && ", "", "cli: is not the job"),
    "nobody may sign in": ("_FILE: /data/secrets/console.admin", "_FILE: /data/elsewhere", "names no file"),
    "another key": ("secrets/gateway.operator", "secrets/gateway.key", "gateway: ASSAY_GATEWAY_OPERATOR"),
    "no release": ("&& assay release first", "", "cli: is not the job"),
    "an endless job": ("restart: on-failure", "restart: always", "cli: is not the job"),
    "no wait": ("condition: service_completed_successfully", "condition: service_started", "does not wait"),
    "writable": ("read_only: true", "read_only: false", "simulator: not hardened"),
    "capabilities": ("cap_drop: [ALL]", "cap_drop: []", "simulator: not hardened"),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_fault_is_caught(seed: str) -> None:
    old, new, expected = SEEDS[seed]
    assert old in TEXT

    assert any(expected in fault for fault in faults(TEXT.replace(old, new), LISTED - set(BACKENDS)))


def test_the_image_installs_by_hash_and_is_not_root() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if re.search(r"pip install", line)]

    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.M)
    assert DOCKERFILE.count("\nFROM ") == 2


def test_what_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    copied = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied
    for path in (path for paths in copied for path in paths):
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in sent, path


@pytest.fixture
def health() -> Iterator[tuple[int, dict[str, int]]]:
    """A service's health port, and what it will answer by path."""
    answers: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.get(self.path, 404))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Tests stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, answers
        server.shutdown()
        thread.join()


def test_a_container_is_healthy_when_its_service_is_ready(health: tuple[int, dict[str, int]]) -> None:
    port, answers = health

    assert not ready(port)
    answers["/readyz"] = 503
    assert not ready(port)
    answers["/readyz"] = 200
    assert ready(port)


def test_nobody_on_the_port_is_not_ready() -> None:
    assert not ready(1)
