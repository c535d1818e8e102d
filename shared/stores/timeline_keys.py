"""Names of the timeline store's keys. The part in braces keeps a portfolio's keys in one cluster slot."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


class LogName(NamedTuple):
    """What a log's key says."""

    epoch: int
    entity: str
    entity_id: bytes


def _tag(portfolio: str) -> bytes:
    if not _NAME.fullmatch(portfolio):
        raise ValueError(f"portfolio name {portfolio!r} may only have letters, digits and _.-")
    return b"{%b:0}:" % portfolio.encode()


def epoch_key(portfolio: str) -> bytes:
    """Holds the current epoch's number, quality and layout."""
    return _tag(portfolio) + b"epoch"


def allotted_key(portfolio: str) -> bytes:
    """Holds the highest epoch number ever given out."""
    return _tag(portfolio) + b"allotted"


def run_key(portfolio: str) -> bytes:
    """Holds the run id of the server process whose contents were last found whole."""
    return _tag(portfolio) + b"run"


def lock_key(portfolio: str) -> bytes:
    """Held by the one worker that recovers."""
    return _tag(portfolio) + b"lock"


def claim_key(portfolio: str) -> bytes:
    """Holds the token of the rebuild that may lay down logs."""
    return _tag(portfolio) + b"rebuild"


def freeze_key(portfolio: str) -> bytes:
    """While it stands, and it expires by itself, no append is taken."""
    return _tag(portfolio) + b"frozen"


def epochs_prefix(portfolio: str) -> bytes:
    """What every key of the portfolio starts with."""
    return _tag(portfolio)


@lru_cache(maxsize=256)
def log_prefix(portfolio: str, epoch: int, entity: str) -> bytes:
    """What the keys of one entity's logs start with; the entity's id follows."""
    if not _NAME.fullmatch(entity):
        raise ValueError(f"entity name {entity!r} may only have letters, digits and _.-")
    return _tag(portfolio) + b"%d:%b:" % (epoch, entity.encode())


def entity_key(portfolio: str, epoch: int, entity: str, entity_id: str) -> bytes:
    """The key of one log; any id is safe, for it stands last."""
    return log_prefix(portfolio, epoch, entity) + entity_id.encode()


def parse_key(portfolio: str, key: bytes) -> LogName | None:
    """What ``key`` names, None for a key that is no log of this portfolio."""
    tag = _tag(portfolio)
    parts = key[len(tag) :].split(b":", 2)
    if not key.startswith(tag) or len(parts) != 3 or not parts[0].isdigit():
        return None
    return LogName(int(parts[0]), parts[1].decode(), parts[2])


def glob_escaped(text: bytes) -> bytes:
    """``text`` as a pattern that matches only itself (SCAN MATCH)."""
    return re.sub(rb"([*?\[\]\\^])", rb"\\\1", text)
