"""Both shells of the client before one scripted house."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from shared.client import AsyncClient, Client
from tests.support.scripted_house import ScriptedHouse, serving

KEY = "assay_0123456789ab_" + "0" * 64


class Shell:
    """Calls of one of the two clients, in the same words."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self._runner = asyncio.Runner() if kind == "async" else None
        self._client: Any = (AsyncClient if self._runner else Client)(url, KEY, **options)

    def __getattr__(self, name: str) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            made = getattr(self._client, name)(*words, **named)
            return self._runner.run(made) if self._runner else made

        return call

    def close(self) -> None:
        self.__getattr__("close")()
        if self._runner:
            self._runner.close()


class Shells:
    """Makes shells of one kind, and closes them."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind = kind
        self._url = url
        self._made: list[Shell] = []

    def __call__(self, url: str = "", **options: Any) -> Shell:
        shell = Shell(self._kind, url or self._url, **options)
        self._made.append(shell)
        return shell

    def close(self) -> None:
        for shell in self._made:
            shell.close()


@pytest.fixture
def house() -> Iterator[ScriptedHouse]:
    scripted = ScriptedHouse()
    with serving(scripted) as url:
        scripted.url = url
        yield scripted


@pytest.fixture(params=["sync", "async"])
def shells(request: pytest.FixtureRequest, house: ScriptedHouse) -> Iterator[Shells]:
    made = Shells(request.param, house.url)
    yield made
    made.close()
