"""A service of ours as a child process: ready when its ``/readyz`` says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import msgspec
from msgspec import Struct

from .ports import HOST
from .server import Server

ASK_TIMEOUT_S: Final = 1.0


class HealthAnswer(Struct, frozen=True):
    """What a health endpoint said, or that it did not answer."""

    status: str = "silent"
    faults: tuple[str, ...] = ()
    notes: dict[str, str | int | float] = {}


def ask_health(port: int, path: str = "/readyz") -> HealthAnswer:
    """The answer of a service on loopback. Never raises: silence is an answer too."""
    try:
        with urlopen(f"http://{HOST}:{port}{path}", timeout=ASK_TIMEOUT_S) as response:
            body = response.read()
    except HTTPError as error:
        with error:
            body = error.read()
    except (URLError, OSError, ValueError):
        return HealthAnswer()
    try:
        return msgspec.json.decode(body, type=HealthAnswer)
    except msgspec.DecodeError:
        return HealthAnswer(status="fault", faults=("its answer is not ours",))


class ServiceProcess(Server):
    """``python -m module`` with ``env`` on top of our own environment."""

    ready_timeout_s = 120.0
    grace_s = 30.0

    def __init__(
        self, name: str, module: str, env: Mapping[str, str], health_port: int, log_path: Path
    ) -> None:
        super().__init__(name, log_path, mark=module)
        self.module = module
        self.health_port = health_port
        self._env = dict(env)
        self.last_answer = HealthAnswer()

    def command(self) -> Sequence[str]:
        """The same Python as ours."""
        return [sys.executable, "-m", self.module]

    def environment(self) -> Mapping[str, str]:
        """Ours and what this process is told."""
        return {**os.environ, **self._env}

    def probe(self) -> bool:
        """Ask ``/readyz`` and keep the answer."""
        self.last_answer = ask_health(self.health_port)
        return self.last_answer.status == "ok"
