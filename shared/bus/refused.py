"""A broker that says no, told apart from one that is away: waiting helps against the second only."""

from __future__ import annotations

from contextlib import suppress

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.contracts.access import AccessRefused, refusal
from shared.contracts.addresses import KafkaAddress

from .ports import LogAway


def told(error: BaseException, kafka: KafkaAddress, operation: str, what: str) -> LogAway | AccessRefused:
    """What a client's ``error`` is, met when it wanted to ``operation`` ``what``."""
    return refusal(error, kafka, operation, what) or LogAway(str(error))


async def why_no_start(
    error: BaseException, kafka: KafkaAddress, operation: str = "sign in", what: str = ""
) -> LogAway | AccessRefused:
    """What kept a client of aiokafka from starting, which was to ``operation`` ``what``.

    It only logs that it was not let in, so the broker is asked again.
    """
    if isinstance(error, KafkaConnectionError):
        error = await _sign_in_error(kafka) or error
    return told(error, kafka, operation, what)


async def _sign_in_error(kafka: KafkaAddress) -> KafkaError | None:
    told = {name: value for name, value in kafka.options().items() if name != "bootstrap_servers"}
    for address in kafka.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with suppress(OSError, ValueError, TimeoutError):
            try:
                connection = await create_conn(host.strip("[]"), int(port), **told)
            except KafkaError as error:
                return error
            connection.close()
            return None
    return None
