"""JSON lines on standard error with declared keys only: never a payload, never an id of a customer.

Of 13 and more digits that stand together in a text only the last four reach the line: they may be a card
number. Hashes stay, and so do numbers that are no text.

A key that is not in `FIELDS` does not reach the line: its name is listed under ``undeclared``, its value
is not; a strict process raises instead. Control characters and everything beyond ASCII are escaped.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger, Processor

TEXT_LIMIT: Final = 500

_NEXT: Final = r"(?:[\s\-\u2010-\u2015]{0,3}\d)"
_LONG_NUMBER: Final = re.compile(rf"(?<!\d)(?<!\d\.)\d{_NEXT}{{8,}}(?={_NEXT}{{4}})")
_HASH: Final = re.compile(r"[0-9a-f]{32,}")

FIELDS: Final[dict[str, str]] = {
    "event": "what happened, one fixed sentence or word",
    "level": "debug, info, warning, error or critical",
    "at": "UTC time of the line",
    "service": "which service wrote it",
    "instance": "which process of the service",
    "room": "which part of the code",
    "undeclared": "names of keys that were withheld",
    "reason": "a code of the reasons table",
    "field": "name of a record's field",
    "topic": "a topic's name",
    "topics": "several topics' names",
    "partition": "a partition's number",
    "partitions": "several partitions, or how many",
    "offset": "a record's place in its partition",
    "first_offset": "the first record meant",
    "last_offset": "the last record meant",
    "group": "a consumer group",
    "rule": "an alert rule's name",
    "subject": "what an alert is about: a service, a caller, a feature",
    "attempt": "which try this was, from 1",
    "attempts": "how many tries there were",
    "count": "how many",
    "given_up": "how many were given up",
    "rows": "how many rows",
    "records": "how many records",
    "bytes": "how many bytes",
    "rss_bytes": "resident memory",
    "lag": "records not yet read",
    "duration_ms": "how long it took",
    "wait_ms": "how long it will wait",
    "at_ms": "a moment, UTC ms",
    "port": "a loopback port",
    "address": "where something listens or is found",
    "path": "a file or folder of ours",
    "pid": "a process",
    "exit_code": "how a process ended",
    "signal": "a signal's name",
    "version": "a version",
    "portfolio": "a portfolio's name",
    "feature_set": "hash of a feature set",
    "layout": "hash of a timeline layout",
    "release_seq": "a release's number",
    "release_hash": "a release's hash",
    "model": "a model's name",
    "model_version": "a model's version",
    "artefact": "an artefact's hash",
    "request_id": "a request of an operator, or one over HTTP",
    "job": "a job's name",
    "stage": "a stage of a job",
    "epoch": "the timelines' epoch",
    "state": "state of a part, before or after a change",
    "table": "a table of the lake or the SQL store",
    "table_version": "its version",
    "mode": "load or live",
    "load": "a load's id",
    "rate": "per second",
    "setting": "a setting's name",
    "error": "type of an exception",
    "detail": "text of ours about an error, without data of a record",
    "trace": "where an exception came through: file, line, function",
    "logger": "name of a library that spoke",
}

QUOTED_LIBRARIES: Final = ("aiokafka", "kafka", "uvicorn")
"""They speak of connections and coordinators; what others fill into a message may be a piece of a record."""

LIBRARY_LEVELS: Final = {"aiokafka": logging.ERROR, "kafka": logging.ERROR, "faust": logging.WARNING}


class UndeclaredFieldError(ValueError):
    """A log line named a key outside `FIELDS`."""


def configure(service: str, instance: str, level: str = "info", *, strict: bool = False) -> None:
    """Set up this process's log. Raises ValueError for an unknown ``level``."""
    threshold = logging.getLevelNamesMapping().get(level.upper())
    if threshold is None:
        raise ValueError(f"no log level is called {level}")
    chain = _chain(service, instance, strict)
    structlog.configure(
        processors=[*chain, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_over_libraries(chain, threshold)


def get_logger(room: str) -> FilteringBoundLogger:
    """The logger of one part of the code: ``log.info("assigned", partitions=[0, 1])``."""
    logger: FilteringBoundLogger = structlog.get_logger(room=room)
    return logger


def _chain(service: str, instance: str, strict: bool) -> list[Processor]:
    def identity(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["service"], line["instance"] = service, instance
        return line

    def declared(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return _only_declared(line, strict)

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    return [structlog.processors.add_log_level, stamp, identity, _shape_exception, declared]


def _only_declared(line: MutableMapping[str, Any], strict: bool) -> MutableMapping[str, Any]:
    unknown = sorted(key for key in line if key not in FIELDS and not key.startswith("_"))
    if unknown and strict:
        raise UndeclaredFieldError(", ".join(unknown))
    kept = {key: _short(value) for key, value in line.items() if key in FIELDS}
    return {**kept, "undeclared": unknown} if unknown else kept


def _short(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_short(item) for item in list(value)[:50]]
    # Starred before it is cut at the limit, or the cut makes two short numbers of a long one.
    return _LONG_NUMBER.sub(_starred, str(value)[: 2 * TEXT_LIMIT])[:TEXT_LIMIT]


def _starred(found: re.Match[str]) -> str:
    """Digits as stars, unless they stand in a hash."""
    text = found.string
    is_hash = any(h.start() <= found.start() < h.end() for h in _HASH.finditer(text))
    return found.group() if is_hash else re.sub(r"\d", "*", found.group())


def _shape_exception(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Type and way of an exception; its text stays out, since it may quote a record."""
    given = line.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given is True else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        line["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    return line


def place_of(error: BaseException) -> str:
    """File and line where ``error`` was raised; never what it says, which may hold a payload."""
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    return f"{os.path.basename(trail.tb_frame.f_code.co_filename)}:{trail.tb_lineno}" if trail else ""


def _without_values(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A library's message without what it filled in, unless the library is known to quote no record."""
    record: logging.LogRecord = line["_record"]
    if record.name.partition(".")[0] not in QUOTED_LIBRARIES:
        line["event"] = record.msg
    return line


def _take_over_libraries(chain: list[Processor], threshold: int) -> None:
    """Lines of libraries take the same shape; below warning they are not ours to print."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, _without_values],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *chain,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    for name, least in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(threshold, least))
