"""Names of the timeline store's keys. What stands in braces keeps a bucket's keys in one cluster slot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

BUCKETS_LIMIT: Final = 1_024
"""Most buckets of a portfolio: each is one more script call of a micro-batch that touches it."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


class LogName(NamedTuple):
    """What a log's key says."""

    epoch: int
    entity: str
    entity_id: bytes


@lru_cache(maxsize=2_048)
def _tag(portfolio: str, bucket: int = 0) -> bytes:
    if not _NAME.fullmatch(portfolio):
        raise ValueError(f"portfolio name {portfolio!r} may only have letters, digits and _.-")
    return b"{%b:%d}:" % (portfolio.encode(), bucket)


def epoch_key(portfolio: str, bucket: int = 0) -> bytes:
    """Holds the current epoch's number, quality, layout and buckets. Bucket 0's decides, others follow."""
    return _tag(portfolio, bucket) + b"epoch"


def allotted_key(portfolio: str) -> bytes:
    """Holds the highest epoch number ever given out."""
    return _tag(portfolio) + b"allotted"


def run_key(portfolio: str, bucket: int = 0) -> bytes:
    """Holds the run id of the server process whose contents of this bucket were last found whole."""
    return _tag(portfolio, bucket) + b"run"


def lock_key(portfolio: str) -> bytes:
    """Held by the one worker that recovers, for all buckets."""
    return _tag(portfolio) + b"lock"


def claim_key(portfolio: str, bucket: int = 0) -> bytes:
    """Holds the token of the rebuild that may lay down logs in this bucket."""
    return _tag(portfolio, bucket) + b"rebuild"


def freeze_key(portfolio: str, bucket: int = 0) -> bytes:
    """While it stands, and it expires by itself, no append to this bucket is taken."""
    return _tag(portfolio, bucket) + b"frozen"


def keys_pattern(portfolio: str, epoch: int | None = None) -> bytes:
    """A pattern (SCAN MATCH) of all keys of the portfolio, or of the logs of one epoch, in every bucket.

    An id may make a foreign key match: ask `parse_key`.
    """
    head = glob_escaped(_tag(portfolio).partition(b"0}:")[0]) + b"*}:"
    return head + (b"" if epoch is None else b"%d:" % epoch) + b"*"


def bucket_of(entity: str, entity_id: bytes, buckets: int) -> int:
    """The bucket of an entity's logs, 0 to ``buckets`` - 1: CRC-32 of name and id, the same for ever."""
    return crc32(entity_id, crc32(entity.encode() + b":")) % buckets


def bucket_in(portfolio: str, key: bytes) -> int:
    """The bucket that ``key``, one of this portfolio's, is in."""
    start = len(portfolio) + 2
    return int(key[start : key.index(b"}", start)])


def by_bucket(portfolio: str, keys: Iterable[bytes]) -> dict[int, list[bytes]]:
    """The keys of this portfolio's logs, together where one script may have them."""
    found: dict[int, list[bytes]] = {}
    for key in keys:
        found.setdefault(bucket_in(portfolio, key), []).append(key)
    return found


@lru_cache(maxsize=4_096)
def log_prefix(portfolio: str, epoch: int, entity: str, bucket: int = 0) -> bytes:
    """What the keys of one entity's logs in a bucket start with; the entity's id follows."""
    if not _NAME.fullmatch(entity):
        raise ValueError(f"entity name {entity!r} may only have letters, digits and _.-")
    return _tag(portfolio, bucket) + b"%d:%b:" % (epoch, entity.encode())


def log_key(portfolio: str, name: LogName, buckets: int) -> bytes:
    """The key of the log ``name`` where logs lie in so many buckets."""
    bucket = bucket_of(name.entity, name.entity_id, buckets) if buckets > 1 else 0
    return log_prefix(portfolio, name.epoch, name.entity, bucket) + name.entity_id


def entity_key(portfolio: str, epoch: int, entity: str, entity_id: str, buckets: int = 1) -> bytes:
    """The key of one log; any id is safe, for it stands last."""
    return log_key(portfolio, LogName(epoch, entity, entity_id.encode()), buckets)


@lru_cache(maxsize=64)
def _pattern(portfolio: str) -> re.Pattern[bytes]:
    return re.compile(rb"\{%b:[0-9]+\}:([0-9]+):([^:]*):(.*)" % re.escape(portfolio.encode()), re.DOTALL)


def parse_key(portfolio: str, key: bytes) -> LogName | None:
    """What ``key`` names, None for a key that is no log of this portfolio."""
    found = _pattern(portfolio).fullmatch(key)
    return None if found is None else LogName(int(found[1]), found[2].decode(), found[3])


def glob_escaped(text: bytes) -> bytes:
    """``text`` as a pattern that matches only itself (SCAN MATCH)."""
    return re.sub(rb"([*?\[\]\\^])", rb"\\\1", text)
