"""Waiting for the log: a service may start before its broker, or before its topics are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress

from .ports import LogAway
from .refused import told as told_of
from .refused import why_no_start

RETRY_S: Final = 0.2
CONTACT_S: Final = 1.0
REQUEST_MS: Final = 5_000
REFUSED_S: Final = 30.0


async def wait_for_log(kafka: KafkaAddress, topics: Collection[str], told: Callable[[str], None]) -> None:
    """Returns once a broker at ``kafka`` has all ``topics``; ``told`` hears in words what is missing.

    Users and rights are made after the broker has come up, so a refusal is waited out for `REFUSED_S`.
    Raises AccessRefused after that.
    """
    refused_s: float | None = None
    while True:
        try:
            why = await _missing(kafka, topics)
            refused_s = None
        except AccessRefused as error:
            now_s = asyncio.get_running_loop().time()
            refused_s = now_s if refused_s is None else refused_s
            if now_s - refused_s > REFUSED_S:
                raise
            why = str(error)
        if why is None:
            return
        told(why)
        await asyncio.sleep(RETRY_S)


async def _missing(kafka: KafkaAddress, topics: Collection[str]) -> str | None:
    # The client writes an error into the log for each broker it cannot reach, so it comes second.
    if not await _answers(kafka):
        return f"waits for Kafka at {kafka}"
    client = AIOKafkaAdminClient(**kafka.options(), request_timeout_ms=REQUEST_MS)
    try:
        await client.start()
        found = {card["topic"]: card["error_code"] for card in await client.describe_topics([*topics])}
    except (KafkaError, OSError) as error:
        why = await why_no_start(error, kafka)
        if isinstance(why, AccessRefused):
            raise why from error
        return f"waits for Kafka at {kafka}"
    finally:
        await client.close()
    unseen = sorted(name for name, code in found.items() if code == TopicAuthorizationFailedError.errno)
    if unseen:
        raise told_of(TopicAuthorizationFailedError(), kafka, "see", ", ".join(unseen))
    missing = sorted(name for name, code in found.items() if code)
    return f"waits for topics: {', '.join(missing)}" if missing else None


async def _answers(kafka: KafkaAddress) -> bool:
    """Whether some address of ``kafka`` takes a connection."""
    for address in kafka.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with suppress(OSError, ValueError, TimeoutError):
            # Not wait_for(): in Python 3.11 it forgets that it was cancelled when the answer comes just then.
            async with asyncio.timeout(CONTACT_S):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
            return True
    return False


async def partition_counts(kafka: KafkaAddress, topics: Collection[str]) -> dict[str, int]:
    """How many partitions each of ``topics`` has. Raises LogAway, also for a topic that is not there."""
    client = AIOKafkaAdminClient(**kafka.options(), request_timeout_ms=REQUEST_MS)
    try:
        await client.start()
        found = await client.describe_topics(list(topics))
    except (KafkaError, OSError) as error:
        raise LogAway(str(error)) from error
    finally:
        await client.close()
    missing = sorted(card["topic"] for card in found if card["error_code"])
    if missing:
        raise LogAway(f"{', '.join(missing)}: not on the broker")
    return {card["topic"]: len(card["partitions"]) for card in found}
