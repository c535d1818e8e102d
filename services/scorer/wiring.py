"""The scorer's composition root: the one place that makes clients and hands them down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from mode import Service
from mode.types import ServiceT

from services.scorer.edge.captured_tail import CapturedTail
from services.scorer.edge.catch_up import CatchUp
from services.scorer.edge.engine import Engine
from services.scorer.edge.inputs import Inputs
from services.scorer.edge.pump import Pump, PumpParts
from services.scorer.edge.releases import ReleaseTaker
from services.scorer.edge.reporter import Reporter
from services.scorer.edge.state import StateCalls
from services.scorer.edge.trimmer import Trimmer
from services.scorer.edge.warm_up import compile_apart, warm_up
from services.scorer.edge.watchdog import Watchdog
from services.scorer.settings import ScorerSettings
from shared.bus.arrival import wait_for_log
from shared.bus.dead_letters import dead_letter
from shared.bus.kafka_consumer import KafkaConsumer
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import Message, Outgoing, Rebalance
from shared.contracts.addresses import KafkaAddress, RedisAddress
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.outcome import Dead
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.lateness import limits_of
from shared.features.rows import RowEncoder
from shared.runtime import collector, numba_cache
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.health import Health, HealthServer
from shared.stores.artefacts import ArtefactStore
from shared.stores.card_keys import card_key
from shared.stores.portfolio_files import read_portfolio, timeline_key
from shared.stores.releases_follower import ReleaseFollower
from shared.stores.timeline_redis import RedisTimelines
from shared.stores.trust import FolderTrust

GC_THRESHOLDS: Final = (50_000, 20, 100)
"""A batch makes thousands of objects and no cycles; looking for some at every 700 was 3 % of the time."""

INPUTS: Final = {"transactions": KIND_TRANSACTION, "activities": KIND_ACTIVITY, "labels": KIND_LABEL}
NEEDED: Final = (*INPUTS, "decisions", "predictions", "flagged", "captures", "releases")
"""The topics without which no part can start."""


class ScorerService(Service):
    """The tree: health, pump, side reader, reporter, watchdog, release follower."""

    def __init__(self, settings: ScorerSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._health = Health(settings.stuck_after_ms / 1000)
        self._server = HealthServer(self._health, settings.health_port, settings.health_host)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Children in starting order; they stop in the reverse one."""
        return build(self._settings, self._health)

    async def on_start(self) -> None:
        """Health answers from the first moment on; the parts start once there is a log to read."""
        if self._settings.health_port:
            await self._server.start()
        needed = [topic_name(self._settings.portfolio, name) for name in NEEDED]
        await wait_for_log(kafka_of(self._settings), needed, lambda why: self._health.hold("log", why))
        self._health.clear("log")

    async def on_started(self) -> None:
        """What lives for ever is no garbage to look through again."""
        collector.spare(GC_THRESHOLDS)
        self._health.started()

    async def on_shutdown(self) -> None:
        """Last of all the port."""
        await self._server.stop()


def build(settings: ScorerSettings, health: Health) -> list[ServiceT]:
    """All parts of one worker, connected to nothing yet."""
    portfolio = read_portfolio(settings.portfolio, settings.portfolio_file)
    feature_set = compile_portfolio(portfolio)
    encoder = RowEncoder(feature_set, timeline_key(settings.data_dir / "keys"))
    clock = SystemClock()
    compile_apart(numba_cache.prepare(settings.data_dir), settings.portfolio, settings.portfolio_file)
    warm_up(feature_set, encoder)
    engine = Engine(
        feature_set,
        encoder,
        settings.cache_bytes,
        clock,
        time.perf_counter_ns,
        settings.name,
        settings.fail_on_id,
    )
    states = _states(settings, feature_set, encoder, engine, health)
    producer = KafkaProducer(kafka_of(settings), settings.name)
    kinds, limits = input_kinds(portfolio.name), limits_of(portfolio)
    pump = Pump(
        PumpParts(
            portfolio=portfolio.name,
            consumer=lambda rebalance: _consumer(settings, list(kinds), rebalance),
            producer=producer,
            inputs=Inputs(kinds, limits),
            engine=engine,
            states=states,
            letter=letters(settings.data_dir / "keys", clock),
            crash=CrashPoints.from_setting(settings.crash_at),
            clock=clock,
            clock_ns=time.perf_counter_ns,
            beat=lambda: health.beat("pump"),
            batch_records=settings.batch_records,
            commit_every_s=settings.commit_every_ms / 1000,
        )
    )
    taker = ReleaseTaker(
        feature_set,
        ArtefactStore(settings.data_dir / "artefacts"),
        FolderTrust(settings.data_dir / "keys"),
        pump.take_release,
    )
    follower = ReleaseFollower(kafka_of(settings), portfolio.name, taker.trusted, taker.on_release)
    reporter = Reporter(
        pump,
        engine,
        states,
        producer,
        health,
        clock,
        settings.instance,
        portfolio.name,
    )
    watchdog = Watchdog(pump, states, health, settings.stuck_after_ms / 1000)
    catch_up = CatchUp(pump, kafka_of(settings), kinds, limits)
    return [pump, catch_up, Trimmer(engine, _timelines(settings, feature_set)), reporter, watchdog, follower]


def letters(keys: Path, clock: Clock) -> Callable[[Message, Dead, int, str], Outgoing]:
    """Writes a worker's dead letters: (message, why, attempt, detail)."""
    cards = card_key(keys)
    return lambda message, dead, attempt, detail: dead_letter(
        message, dead, "scorer", attempt, clock.now_ms(), cards, detail
    )


def _states(
    settings: ScorerSettings, feature_set: FeatureSet, encoder: RowEncoder, engine: Engine, health: Health
) -> StateCalls:
    def hold(why: str | None) -> None:
        if why is None:
            health.clear("state")
        else:
            health.hold("state", why)

    store = _timelines(settings, feature_set)
    history = CapturedTail(kafka_of(settings), feature_set, encoder)
    return StateCalls(store, history, settings.state_wait_ms, engine.enter, hold)


def _timelines(settings: ScorerSettings, feature_set: FeatureSet) -> RedisTimelines:
    return RedisTimelines(
        RedisAddress(settings.redis_url, settings.redis_user, settings.redis_password),
        feature_set.portfolio_name,
        feature_set.layout.record_bytes,
        feature_set.layout.hash,
        settings.state_buckets,
    )


def _consumer(settings: ScorerSettings, topics: list[str], rebalance: Rebalance) -> KafkaConsumer:
    group = f"{settings.portfolio}.scorer"
    client_id = f"{settings.name}-{os.getpid()}"
    kafka = kafka_of(settings)
    return KafkaConsumer(kafka, group, topics, client_id, rebalance, settings.session_timeout_ms)


def kafka_of(settings: ScorerSettings) -> KafkaAddress:
    """Where Kafka is, and who the scorer is there. Raises SecretMissing."""
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def input_kinds(portfolio: str) -> dict[str, int]:
    """The topics that the scorer reads, and what stands on each."""
    return {topic_name(portfolio, name): kind for name, kind in INPUTS.items()}
