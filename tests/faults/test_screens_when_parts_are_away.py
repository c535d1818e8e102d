"""Redis lost, the scorer stopped, the broker killed: a page that stays open says each in words, and recovers.

Real processes: a scorer, a console, their broker, a Redis of the test's own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from tests.faults.conftest import MakeStand
from tests.support.console_process import ConsoleProcess
from tests.support.open_page import OpenPage, browser
from tests.support.scorer_flow import Flow
from tests.support.scorer_stand import Stand
from tests.support.topics import create_topics

WORDS = {
    "redis": "Redis does not answer",
    "scorer": "the scorer is silent",
    "kafka": "Kafka does not answer",
}


@contextmanager
def watched(stand: Stand, folder: Path) -> Iterator[tuple[ConsoleProcess, Callable[[str], str], OpenPage]]:
    """A console over the stand, how to ask it for a page, and one page that stays open."""
    create_topics(stand.bootstrap, stand.name, "answers", "flagged", "alerts", "audit")
    told = {"PORTFOLIO_FILE": str(stand.portfolio_file)}
    console = ConsoleProcess(stand.bootstrap, stand.name, folder, told)
    try:
        console.begin()
        with browser(console) as client:
            page = OpenPage(client)
            try:
                yield console, lambda path: client.get(path).text, page
            finally:
                page.leave()
    finally:
        console.stop(signal.SIGKILL)


def test_each_is_said_and_recovered_from_on_the_same_page(
    make_stand: MakeStand,
    start_redis: Callable[..., RedisServer],
    kafka_server: KafkaServer,
    tmp_path: Path,
) -> None:
    redis = start_redis()
    stand = make_stand(redis.url)
    stand.start()
    stand.until_joined(1)
    with watched(stand, tmp_path) as (console, ask, page):
        page.until(lambda shown: bool(shown.pulse) and not shown.parts & set(WORDS))

        with Flow(stand, 5, per_second=50):
            redis.stop()
            page.until(lambda shown: "redis" in shown.parts)
            for path in ("/", "/tail", "/queue", "/alerts"):
                assert WORDS["redis"] in ask(path), path
            redis.start()
            page.until(lambda shown: not shown.parts & set(WORDS))

        stand.workers[0].terminate()
        page.until(lambda shown: "scorer" in shown.parts)
        assert WORDS["scorer"] in ask("/")
        assert page.states("scorer") == ["stopping"]
        stand.start(instance="1")
        page.until(lambda shown: not shown.parts & set(WORDS))

        stand.workers[1].kill()
        page.until(lambda shown: "scorer" in shown.parts)
        assert page.states("scorer") == ["silent"]
        stand.start(instance="1")
        page.until(lambda shown: not shown.parts & set(WORDS))

        stand.sender.close()  # its library drops sockets unclosed when the broker refuses them
        kafka_server.kill()
        try:
            page.until(lambda shown: shown.parts == {"kafka"})
            assert WORDS["kafka"] in ask("/")
        finally:
            kafka_server.start()
        page.until(lambda shown: not shown.parts & set(WORDS))
        assert page.is_open
        assert page.streams == 1
        assert console.runs()
