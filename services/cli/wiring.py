"""The composition root: settings to surroundings, arguments to the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from pydantic import ValidationError

from services.cli.edge import program
from services.cli.edge.errors import WRONG_USE, WrongUse, tell
from services.cli.edge.surroundings import Surroundings
from services.cli.settings import CliSettings
from shared.contracts.addresses import KafkaAddress, RedisAddress


def surroundings() -> Surroundings:
    """What the environment says; an address that it does not name is looked up in the running stack."""
    settings = CliSettings()
    given = settings.model_fields_set
    return Surroundings(
        kafka=_kafka(settings) if given & {"kafka", "kafka_user"} else None,
        redis=_redis(settings) if given & {"redis_url", "redis_user"} else None,
        data_dir=settings.data_dir,
        portfolio=settings.portfolio if "portfolio" in given else None,
        portfolio_file=settings.portfolio_file,
        signing_key=settings.signing_key,
        operator=settings.operator,
        gateway=settings.gateway or None,
        operator_key_file=settings.operator_key_file,
        console=settings.console or None,
        console_key_file=settings.console_key_file,
        state_buckets=settings.state_buckets,
    )


def _kafka(settings: CliSettings) -> KafkaAddress:
    path = str(settings.kafka_password_file or "")
    return KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password, path)


def _redis(settings: CliSettings) -> RedisAddress:
    return RedisAddress(settings.redis_url, settings.redis_user, settings.redis_password)


def run_to_the_end(arguments: Sequence[str]) -> NoReturn:
    """Run one command and end the process with its exit code, here and now.

    Threads of the libraries that read the lake have aborted a process that was torn down around them.
    """
    code = run(arguments)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # who read it is gone
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    try:
        around = surroundings()
    except (ValidationError, ValueError, OSError) as error:
        reason = str(error).replace("\n", " ")
        tell(WrongUse(f"A setting is wrong: {reason}.", "See `assay settings`."), as_json=as_json)
        return WRONG_USE
    return program.run(arguments, around, as_json=as_json)
