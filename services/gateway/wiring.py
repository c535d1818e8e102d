"""Builds the gateway: the only file that constructs its clients."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from mode import Service
from mode.types import ServiceT

from services.gateway.core.pace import Pace
from services.gateway.core.slots import PacedSlots, Slots
from services.gateway.edge.app import make_app
from services.gateway.edge.counts import Counts
from services.gateway.edge.database import METADATA
from services.gateway.edge.deciding import Deadlines, DecisionCalls
from services.gateway.edge.desk import Desk, DeskParts, Policies
from services.gateway.edge.door import Door, Route, told
from services.gateway.edge.feed import Arrivals, DecisionFeed
from services.gateway.edge.key_book import KeyBook, operator_key
from services.gateway.edge.key_calls import KeyCalls
from services.gateway.edge.label_desk import LabelDesk
from services.gateway.edge.lake import GatewayLake
from services.gateway.edge.once_redis import RedisOnce
from services.gateway.edge.outbox import Outbox
from services.gateway.edge.parked_labels import ParkedLabels
from services.gateway.edge.publisher import Publisher
from services.gateway.edge.reporter import Reporter, ReporterParts
from services.gateway.edge.taking import Kind, Taking, TakingParts, kinds
from services.gateway.settings import GatewaySettings
from shared.bus.arrival import partition_counts, wait_for_log
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.loader import Partitions
from shared.bus.ports import Place
from shared.contracts.addresses import KafkaAddress, RedisAddress
from shared.contracts.topics import topic_name
from shared.runtime import collector
from shared.runtime.clock import SystemClock
from shared.runtime.crash_points import CrashPoints
from shared.runtime.health import Health, HealthServer
from shared.runtime.http_server import HttpServer
from shared.runtime.memory import rss_bytes
from shared.stores.audit_writer import AuditWriter
from shared.stores.card_keys import card_key
from shared.stores.database import Database
from shared.stores.releases_follower import ReleaseFollower
from shared.stores.trust import FolderTrust

HOUR_MS: Final = 3_600_000
GC_THRESHOLDS: Final = (50_000, 20, 100)
INPUTS: Final = ("transactions", "activities", "labels")
NEEDED: Final = (*INPUTS, "decisions", "answers", "releases", "dead-letters", "status")
"""The topics without which nothing can be taken."""


class Gateway(Service):
    """The tree: health first; then, once there is a log, the parts; the API's port last."""

    def __init__(self, settings: GatewaySettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self.health = Health(settings.stuck_after_ms / 1000)
        self._server = HealthServer(self.health, settings.health_port, settings.health_host)

    async def on_start(self) -> None:
        """Health answers from the first moment on. Raises OSError, DatabaseAway, LogAway."""
        settings = self._settings
        if settings.health_port:
            await self._server.start()
        kafka = _kafka(settings)
        needed = [topic_name(settings.portfolio, name) for name in NEEDED]
        await wait_for_log(kafka, needed, partial(self.health.hold, "log"))
        self.health.clear("log")
        counts = await partition_counts(kafka, needed)
        for part in build(settings, self.health, counts[needed[0]]):
            await self.add_runtime_dependency(part)

    async def on_started(self) -> None:
        """What lives for ever is no garbage to look through again."""
        collector.spare(GC_THRESHOLDS)
        self.health.started()

    async def on_shutdown(self) -> None:
        """Last of all the health port."""
        await self._server.stop()


def build(settings: GatewaySettings, health: Health, input_partitions: int) -> list[ServiceT]:
    """All parts in starting order; they stop in the reverse one, so that the port closes first."""
    kafka = _kafka(settings)
    counts, clock = Counts(), SystemClock()
    slots = PacedSlots(Pace(settings.in_flight_least, settings.in_flight, settings.slow_ms))
    named = partial(topic_name, settings.portfolio)
    once = RedisOnce(_redis(settings), settings.portfolio, settings.answers_kept_hours * HOUR_MS)
    publisher = Publisher(lambda: KafkaProducer(kafka, settings.name))
    partitions, arrivals, policies = Partitions(input_partitions), Arrivals(), Policies()
    decisions = [Place(named("decisions"), number) for number in range(input_partitions)]
    feed = DecisionFeed(kafka, decisions, arrivals, health)
    trust = FolderTrust(settings.data_dir / "keys")
    follower = ReleaseFollower(kafka, settings.portfolio, trust, policies.on_release)
    outbox = Outbox(once, publisher, named("answers"), partitions, clock, health)
    operator = operator_key(settings.operator_key_file, settings.portfolio)
    database = Database.open(settings.database, METADATA)
    lake = GatewayLake(settings.data_dir / "lake")
    book = KeyBook(database, operator, health)
    labels = LabelDesk(
        ParkedLabels(database),
        lake,
        publisher,
        partitions,
        settings.portfolio,
        (named("labels"), named("dead-letters")),
        card_key(settings.data_dir / "keys"),
        clock,
        health,
    )
    desk = DeskParts(
        once=once,
        publisher=publisher,
        feed=feed,
        arrivals=arrivals,
        outbox=outbox,
        policies=policies,
        partitions=partitions,
        topic=named("transactions"),
        gateway=settings.name,
        clock=clock,
        crash=CrashPoints.from_setting(settings.crash_at),
    )
    server = _server(settings, desk, slots, book, labels, lake, counts)
    reporter = Reporter(
        ReporterParts(
            publisher=publisher,
            feed=feed,
            outbox=outbox,
            policies=policies,
            slots=slots,
            counts=counts,
            health=health,
            clock=clock,
            rss_bytes=rss_bytes,
            instance=settings.instance,
            portfolio=settings.portfolio,
        )
    )
    return [RedisLink(once), publisher, outbox, book, follower, feed, labels, reporter, server]


def _kafka(settings: GatewaySettings) -> KafkaAddress:
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def _redis(settings: GatewaySettings) -> RedisAddress:
    return RedisAddress(settings.redis_url, settings.redis_user, settings.redis_password)


def _server(
    settings: GatewaySettings,
    desk: DeskParts,
    slots: PacedSlots,
    book: KeyBook,
    labels: LabelDesk,
    lake: GatewayLake,
    counts: Counts,
) -> HttpServer:
    """The API over the parts that the desk works with."""
    deadlines = Deadlines(settings.deadline_ms, settings.deadline_most_ms)
    deciding = DecisionCalls(Desk(desk), slots, deadlines, lake, settings.portfolio, counts)
    taking = Taking(
        TakingParts(
            publisher=desk.publisher,
            once=desk.once,
            park=labels.park,
            slots=Slots(settings.bulk_in_flight_bytes),
            partitions=desk.partitions,
            clock=desk.clock,
            counts=counts,
            bulk_bytes=settings.bulk_bytes,
            bulk_items=settings.bulk_items,
        )
    )
    audit = AuditWriter(_kafka(settings), settings.service, desk.clock)
    keys = KeyCalls(book, audit, settings.portfolio, desk.clock)
    inputs = kinds(*(topic_name(settings.portfolio, name) for name in INPUTS))
    door = Door(book, settings.portfolio, desk.clock, counts)
    app = make_app(door, table(deciding, taking, keys, inputs))
    timeout_s = settings.request_timeout_ms / 1000
    return HttpServer(app, (settings.host, settings.port), timeout_s, settings.connections, told)


def table(
    deciding: DecisionCalls, taking: Taking, keys: KeyCalls, inputs: tuple[Kind, Kind, Kind]
) -> list[Route]:
    """THE table of calls: what is not here is refused, and every row says what a key must allow."""
    transactions, activities, labels = inputs
    return [
        Route("POST", "/v1/decisions", "decide", deciding.decide, is_hot=True),
        Route("GET", "/v1/decisions/{tx_id}", "read", deciding.look_up),
        Route("POST", "/v1/transactions", "ingest", taking.handler(transactions)),
        Route("POST", "/v1/activities", "ingest", taking.handler(activities)),
        Route("POST", "/v1/labels", "label", taking.handler(labels)),
        Route("GET", "/v1/keys", "keys", keys.list_keys),
        Route("POST", "/v1/keys", "keys", keys.add),
        Route("DELETE", "/v1/keys/{key_id}", "keys", keys.revoke),
    ]


class RedisLink(Service):
    """Lets go of Redis when everything that asks it has stopped."""

    def __init__(self, once: RedisOnce, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._once = once

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._once.close()
