"""The Faust app of the trainer: one agent on ``requests``, raw bytes, one record at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faust

from shared.bus.ports import Taken
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import MECHANISM, KafkaAddress
from shared.contracts.topics import topic_name
from shared.runtime.logs import get_logger

from .intake import Intake

ATTEMPTS: Final = 3

_log = get_logger("trainer.agent")


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How the app joins its group. ``folder`` takes the files that Faust wants to have."""

    kafka: KafkaAddress
    portfolio: str
    client_id: str
    session_timeout_s: float
    folder: Path


def make_app(options: GroupOptions, intake: Intake) -> faust.App:
    """An app without web server, tables, leader topic or topic creation. Call it inside the loop."""
    options.folder.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"{options.portfolio}-trainer",
        broker=";".join(f"aiokafka://{host}" for host in options.kafka.bootstrap.split(",")),
        broker_credentials=_credentials(options.kafka),
        broker_client_id=options.client_id,
        broker_session_timeout=options.session_timeout_s,
        broker_heartbeat_interval=options.session_timeout_s / 4,
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        datadir=str(options.folder),
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        autodiscover=False,
    )
    topic = app.topic(topic_name(options.portfolio, "requests"), key_serializer="raw", value_serializer="raw")

    @app.agent(topic, concurrency=1)
    async def requests(stream: Any) -> None:
        async for event in stream.events():
            try:
                await _handle(_message(event.message), intake)
            except AccessRefused as error:
                await app.crash(error)
                await asyncio.Event().wait()  # Faust would acknowledge it: it stays taken till the end

    app.finalize()
    return app


def _credentials(kafka: KafkaAddress) -> Any:
    """How Faust signs in; None is a plain connection."""
    if not kafka.user:
        return None
    return faust.SASLCredentials(username=kafka.user, password=kafka.password, mechanism=MECHANISM)


async def _handle(message: Taken, intake: Intake) -> None:
    """Nothing may leave here but a cancellation and AccessRefused, for which the caller ends the process:
    Faust acknowledges an event whose handler raised."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await intake.take(message)
            return
        except AccessRefused:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the record must not be lost
            _log.error("our code failed", offset=message.offset, attempt=attempt, exc_info=error)
            if attempt == ATTEMPTS:
                await intake.bury_after(message, attempt, error)


def _message(message: Any) -> Taken:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Taken(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=int((message.timestamp or 0) * 1000),
        key=message.key,
        value=message.value,
        headers=tuple(pairs),
    )


def assigned_partitions(app: faust.App) -> int:
    """How many partitions the app holds; without one it gets no requests."""
    return len(app.consumer.assignment())
