"""One data folder for all workers of the session, and stands of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from tests.faults.checker import Report, check, store_look
from tests.faults.read_back import read_back
from tests.support.kernels import lend
from tests.support.scorer_process import warm_up
from tests.support.scorer_stand import Stand

MakeStand = Callable[..., Stand]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and artefacts of this session; compiled kernels stay for the next one."""
    folder = tmp_path_factory.mktemp("home")
    lend(folder)
    warm_up(folder)
    return folder


@contextmanager
def stand_maker(kafka: KafkaServer, redis: RedisServer, home: Path, folder: Path) -> Iterator[MakeStand]:
    """Makes portfolios with topics and release 1 (no champion), no worker yet; ends their workers after."""
    stands: list[Stand] = []

    def make(redis_url: str = "", released: bool = True, **settings: str) -> Stand:
        stand = Stand(kafka.bootstrap, redis_url or redis.url, home, folder, settings)
        stands.append(stand)
        if released:
            stand.release()
        return stand

    try:
        yield make
    finally:
        for stand in stands:
            stand.close()


@pytest.fixture
def make_stand(
    kafka_server: KafkaServer, redis_server: RedisServer, home: Path, tmp_path: Path
) -> Iterator[MakeStand]:
    """Stands of one test."""
    with stand_maker(kafka_server, redis_server, home, tmp_path) as make:
        yield make


def checked(stand: Stand) -> Report:
    """The checker's report on a stand; fails with its text unless every invariant holds."""
    found = read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home)
    report = check(found, store_look(stand.redis_url))
    assert report.is_good, report.text()
    return report
