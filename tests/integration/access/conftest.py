"""One broker and one Redis that let nobody in unnamed, with the topics and rights of one portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from infra.kafka.broker import apply
from infra.kafka.grants import apply_access
from infra.kafka.topics import wanted_topics
from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from infra.local.secrets import Secrets
from shared.contracts.addresses import KafkaAddress

PORTFOLIO = "bank"


@dataclass(frozen=True)
class Guarded:
    """The broker, and who may sign in."""

    server: KafkaServer
    secrets: Secrets

    def as_(self, principal: str) -> KafkaAddress:
        return self.secrets.kafka(self.server.bootstrap, principal)


@pytest.fixture(scope="session")
def guarded_secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("access") / "secrets")


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, guarded_secrets: Secrets) -> Iterator[Guarded]:
    server = KafkaServer(tmp_path_factory.mktemp("guarded-kafka"), secrets=guarded_secrets)
    server.start()
    apply(server.address, wanted_topics([PORTFOLIO], 1))
    apply_access(server.address, [PORTFOLIO])
    yield Guarded(server, guarded_secrets)
    server.stop()


@pytest.fixture(scope="session")
def guarded_redis(
    tmp_path_factory: pytest.TempPathFactory, guarded_secrets: Secrets
) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("guarded-redis")
    server = RedisServer(folder, secrets=guarded_secrets, portfolio=PORTFOLIO, path_first=False)
    server.start()
    yield server
    server.stop()
