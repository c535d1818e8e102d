"""Builds the console: the only file that constructs its clients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Final

from fastapi import Response
from mode import Service
from mode.types import ServiceT

from services.console.core.openapi import describe_api
from services.console.core.sessions import Limits
from services.console.edge.accounts import Accounts
from services.console.edge.api import Api
from services.console.edge.app import VERSION, make_app
from services.console.edge.broadcaster import Broadcaster
from services.console.edge.case_book import CaseBook
from services.console.edge.database import METADATA
from services.console.edge.desk import Desk, DeskParts
from services.console.edge.door import JSON, Call, Door, Route, told
from services.console.edge.first_user import house_key, make_first_user
from services.console.edge.held import Held
from services.console.edge.house_tail import FOLLOWED, HouseTail
from services.console.edge.lake_story import LakeStories
from services.console.edge.monitor_tables import MonitorTables
from services.console.edge.pages import Pages
from services.console.edge.rendering import Rendering
from services.console.edge.reporter import Reporter, ReporterParts
from services.console.edge.uploads import FILE_BYTES, SendLabels, Uploads
from services.console.settings import ConsoleSettings
from shared.bus.arrival import partition_counts, wait_for_log
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.loader import Partitions
from shared.bus.ports import Outgoing, Place
from shared.bus.sync import produce_each_confirmed
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.payments import Label
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.health import Health, HealthServer
from shared.runtime.http_server import HttpServer
from shared.runtime.memory import rss_bytes
from shared.stores.audit_writer import Audit, AuditWriter
from shared.stores.database import Database
from shared.stores.portfolio_files import read_feature_set

MINUTE_MS: Final = 60_000
FORM_BYTES: Final = 2 * FILE_BYTES
"""A form writes commas and line feeds with three letters."""


class Console(Service):
    """The tree: health first; then, once there is a log, the parts."""

    def __init__(self, settings: ConsoleSettings, **kwargs: Any) -> None:
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
        needed = [topic_name(settings.portfolio, name) for name in (*FOLLOWED, "labels", "audit")]
        await wait_for_log(kafka, needed, partial(self.health.hold, "log"))
        self.health.clear("log")
        counts = await partition_counts(kafka, needed)
        for part in build(settings, self.health, counts):
            await self.add_runtime_dependency(part)

    async def on_started(self) -> None:
        """Everything stands."""
        self.health.started()

    async def on_shutdown(self) -> None:
        """Last of all the health port."""
        await self._server.stop()


def build(settings: ConsoleSettings, health: Health, counts: dict[str, int]) -> list[ServiceT]:
    """All parts in starting order; they stop in the reverse one, so that streams end before the port closes.

    ``counts``: partitions of each topic on the broker.
    """
    kafka, clock = _kafka(settings), SystemClock()
    held = Held(settings.portfolio, settings.kept_decisions)
    database = Database.open(settings.database_url, METADATA)
    accounts = Accounts(database, limits(settings))
    make_first_user(accounts, settings.admin_password_file, clock.now_ms())
    audit = AuditWriter(kafka, settings.service, clock)
    tables = MonitorTables(settings.monitor_url)
    stories = LakeStories(settings.data_dir / "lake", settings.portfolio)
    send_labels = _sender(settings, counts)
    desk = Desk(
        DeskParts(
            portfolio=settings.portfolio,
            held=held,
            tables=tables,
            stories=stories,
            book=CaseBook(database),
            audit=audit,
            send_labels=send_labels,
            features=cache(partial(read_feature_set, settings.portfolio, settings.portfolio_file)),
            clock=clock,
        )
    )
    places = [
        Place(name, number)
        for name in (topic_name(settings.portfolio, topic) for topic in FOLLOWED)
        for number in range(counts[name])
    ]
    uploads = Uploads(held, stories, audit, send_labels, clock)
    broadcaster, server = front(settings, desk, uploads, accounts, audit, health, clock)
    parts = ReporterParts(
        make_producer=lambda: KafkaProducer(kafka, settings.name),
        held=held,
        broadcaster=broadcaster,
        health=health,
        clock=clock,
        rss_bytes=rss_bytes,
        instance=settings.instance,
        portfolio=settings.portfolio,
    )
    return [
        Tables(database, tables),
        HouseTail(kafka, places, settings.portfolio, held, clock, health),
        server,
        broadcaster,
        Reporter(parts),
    ]


def front(
    settings: ConsoleSettings,
    desk: Desk,
    uploads: Uploads,
    accounts: Accounts,
    audit: Audit,
    health: Health,
    clock: Clock,
) -> tuple[Broadcaster, HttpServer]:
    """What browsers meet, over whatever the desk works with. Raises OSError."""
    rendering = Rendering(settings.portfolio)
    door = Door(accounts, rendering, clock, house_key(settings.operator_key_file), https=settings.https)
    broadcaster = Broadcaster(desk, settings.streams, health)
    api = Api(desk, uploads, broadcaster, accounts, audit, door, clock)
    pages = Pages(desk, uploads, broadcaster, accounts, rendering, door, clock)
    server = HttpServer(
        make_app(door, table(pages, api)),
        (settings.host, settings.port),
        settings.request_timeout_ms / 1000,
        settings.connections,
        told,
    )
    return broadcaster, server


def table(pages: Pages, api: Api) -> list[Route]:
    """THE table of calls: what is not here is refused, and every row says which role it needs."""
    return [
        Route("GET", "/static/{name:path}", None, pages.file),
        Route("GET", "/sign-in", None, pages.ask_sign_in),
        Route("POST", "/sign-in", None, pages.sign_in),
        Route("POST", "/sign-out", "viewer", pages.sign_out),
        Route("GET", "/", "viewer", pages.overview),
        Route("GET", "/tail", "viewer", pages.tail),
        Route("GET", "/decisions/{any_id:id}", "viewer", pages.decision),
        Route("GET", "/search", "viewer", pages.search),
        Route("GET", "/alerts", "viewer", pages.alerts),
        Route("GET", "/queue", "viewer", pages.queue),
        Route("POST", "/queue/{tx_id:id}", "operator", pages.act),
        Route("GET", "/labels", "operator", pages.labels),
        Route("POST", "/labels", "operator", pages.upload, body_bytes=FORM_BYTES),
        Route("GET", "/api/v1/overview", "viewer", api.overview),
        Route("GET", "/api/v1/tail", "viewer", api.tail),
        Route("GET", "/api/v1/stream", "viewer", api.stream),
        Route("GET", "/api/v1/decisions/{any_id:id}", "viewer", api.decision),
        Route("GET", "/api/v1/search", "viewer", api.search),
        Route("GET", "/api/v1/alerts", "viewer", api.alerts),
        Route("GET", "/api/v1/queue", "viewer", api.queue),
        Route("POST", "/api/v1/queue/{tx_id:id}/claim", "operator", api.claim),
        Route("DELETE", "/api/v1/queue/{tx_id:id}/claim", "operator", api.give_back),
        Route("POST", "/api/v1/queue/{tx_id:id}/verdict", "operator", api.judge),
        Route("POST", "/api/v1/labels", "operator", api.upload, body_bytes=FILE_BYTES),
        Route("GET", "/api/v1/health", "viewer", api.health),
        Route("GET", "/api/v1/openapi.json", "viewer", _described),
        Route("GET", "/api/v1/users", "admin", api.users, keyed=True),
        Route("POST", "/api/v1/users", "admin", api.add_user, keyed=True),
        Route("DELETE", "/api/v1/users/{name}", "admin", api.remove_user, keyed=True),
        Route("PUT", "/api/v1/users/{name}/password", "admin", api.set_password, keyed=True),
    ]


class Tables(Service):
    """Lets go of the databases when everything that asks them has stopped."""

    def __init__(self, own: Database, monitor: MonitorTables, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._own = own
        self._monitor = monitor

    async def on_stop(self) -> None:
        """Close both."""
        self._own.close()
        self._monitor.close()


async def _described(_: Call) -> Response:
    return Response(describe_api(VERSION), media_type=JSON)


def _kafka(settings: ConsoleSettings) -> KafkaAddress:
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)


def limits(settings: ConsoleSettings) -> Limits:
    """How long sessions last."""
    return Limits(
        idle_ms=settings.session_idle_minutes * MINUTE_MS,
        absolute_ms=settings.session_hours * 60 * MINUTE_MS,
    )


def _sender(settings: ConsoleSettings, counts: dict[str, int]) -> SendLabels:
    """Blocks until the broker has confirmed labels, each in the partition of its account."""
    kafka, topic = _kafka(settings), topic_name(settings.portfolio, "labels")
    partitions = Partitions(counts[topic])

    def send(labels: Sequence[Label]) -> None:
        accounts = [label.account_id.encode() for label in labels]
        records = [Outgoing(account, encode(label)) for account, label in zip(accounts, labels, strict=True)]
        produce_each_confirmed(
            kafka, [(Place(topic, partitions[record.key or b""]), record) for record in records]
        )

    return send
